// The code blocks of the documents, and how they are run: as programs of their own, in a namespace of their own.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './fixtures.ts';
import { withNamespace } from './namespace.ts';

/** The fenced blocks of a language, in order. */
export function blocks(file: string, language: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map((m) => m[1] ?? '');
}

/** Calls `fn` with the path of a module that may import 'nflink': the folder lies in the package so that its name resolves to itself. */
export async function withModule<T>(source: string, fn: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(root, 'build-test', 'doc-'));
  try {
    const path = join(folder, 'block.mjs');
    writeFileSync(path, source);
    return await fn(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a module prints that is run in a new network namespace. */
export async function run(source: string, o: { readonly loopback?: boolean } = {}): Promise<string> {
  return await withModule(source, (path) =>
    withNamespace((ns) => {
      if (o.loopback === true) ns.up();
      return ns.must(process.execPath, [path]);
    }),
  );
}
