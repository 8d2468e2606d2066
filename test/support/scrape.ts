// A registry served over HTTP and read as Prometheus would: by a parser of its text format.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import parse from 'parse-prometheus-text-format';
import type { Registry } from 'prom-client';

export class Scrape {
  readonly #families: ReturnType<typeof parse>;

  constructor(body: string) {
    this.#families = parse(body);
  }

  #family(name: string) {
    return this.#families.find((f) => f.name === name);
  }
  type(name: string): string | undefined {
    return this.#family(name)?.type;
  }
  help(name: string): string | undefined {
    return this.#family(name)?.help;
  }
  get names(): string[] {
    return this.#families.map((f) => f.name);
  }

  /** All series of a metric whose labels include `where`: by their other labels' values, joined. */
  all(name: string, where: Readonly<Record<string, string>> = {}): Record<string, number> {
    const out: Record<string, number> = {};
    for (const { labels = {}, value } of this.#family(name)?.metrics ?? []) {
      if (Object.entries(where).some(([key, wanted]) => labels[key] !== wanted)) continue;
      const rest = Object.entries(labels).filter(([key]) => !(key in where));
      const key = rest.map(([, v]) => v).join(' ');
      assert.ok(!(key in out), `${name}: ${key} twice`);
      out[key] = Number(value);
    }
    return out;
  }

  /** The one series with these labels among its own; undefined where there is none. */
  value(name: string, where: Readonly<Record<string, string>> = {}): number | undefined {
    const found = Object.values(this.all(name, where));
    assert.ok(found.length <= 1, `${found.length} series of ${name} with ${JSON.stringify(where)}`);
    return found[0];
  }
}

/** Calls `fn` with what makes a GET /metrics and reads the answer. Over a socket in the file system: the tests' own namespace has no loopback up. */
export async function withScrapes(registry: Registry, fn: (scrape: () => Promise<Scrape>) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-scrape-'));
  const socketPath = join(folder, 'http');
  const server = createServer((_request, response) => {
    registry.metrics().then(
      (metrics) => response.setHeader('content-type', registry.contentType).end(metrics),
      (err: unknown) => response.writeHead(500).end(String(err)),
    );
  }).listen(socketPath);
  await once(server, 'listening');
  try {
    await fn(async () => {
      const [response] = (await once(get({ socketPath, path: '/metrics', agent: false }), 'response')) as [IncomingMessage];
      const body = await text(response);
      assert.equal(response.statusCode, 200, body);
      assert.equal(response.headers['content-type'], registry.contentType);
      return new Scrape(body);
    });
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}
