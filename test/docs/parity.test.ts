// Each row of docs/parity.md does what it stands for: its code is run on both backends, and the real program says what it left. Where the other
// binding's own commands are known, the real program runs these beside it and must leave the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { compile, formatRule, Iptables, type IptablesOpenOptions, NetfilterError, parseRule, RuleSyntaxError } from '../../lib/index.ts';
import { withModule } from '../support/documents.ts';
import { root } from '../support/fixtures.ts';
import { type Backend, backends, program } from '../support/iptables.ts';
import { withLockFile } from '../support/lock-file.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import type { Case, Cases, Scene, State } from './parity/case.ts';
import { docker } from './parity/docker.ts';
import { goIptables } from './parity/go-iptables.ts';
import { kubernetes } from './parity/kubernetes.ts';

const sections: Readonly<Record<string, Cases>> = { 'go-iptables': goIptables, Kubernetes: kubernetes, Docker: docker };

/** What the page says its names stand for. */
const names: Readonly<Record<string, unknown>> = {
  table: 'filter',
  chain: 'WEB',
  spec: '-s 10.1.0.0/16 -j ACCEPT',
  number: 2,
  text: '*filter\n:WEB - [0:0]\n[5:500] -A WEB -s 10.1.0.0/16 -j ACCEPT\nCOMMIT\n',
  seconds: 5,
  family: 'ip',
  to: 'API',
};
const tools = { parseRule, formatRule, compile, NetfilterError, RuleSyntaxError };

interface Row {
  readonly name: string;
  readonly code: string | undefined;
  readonly note: string;
}

/** Rows are | `name` | `code` or — | note |; a pipe in code is written \|. */
function rowsOf(section: string): Row[] {
  const page = readFileSync(join(root, 'docs/parity.md'), 'utf8');
  const start = page.indexOf(`\n## ${section}\n`);
  assert.ok(start >= 0, `a section "${section}"`);
  const end = page.indexOf('\n## ', start + 1);
  return page
    .slice(start, end < 0 ? undefined : end)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
      const [, name = '', code = '', note = ''] = cells;
      assert.equal(cells.length, 5, `three columns: ${line}`);
      assert.match(name, /^`[^`]+`$/, line);
      assert.match(code, /^(`[^`]+`|—)$/, line);
      return { name: name.slice(1, -1), code: code === '—' ? undefined : code.slice(1, -1), note };
    });
}

type Code = (scope: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** A module with a function for each code; the value of its last statement is its result. */
function moduleOf(rows: readonly Row[]): string {
  const scope = ['ipt', 'Iptables', ...Object.keys(tools), ...Object.keys(names)].join(', ');
  const functions = rows.map(({ code }) => {
    const statements = (code ?? 'undefined').split('; ');
    const last = statements.pop();
    return `async ({ ${scope} }) => { ${statements.map((s) => `${s};`).join(' ')} return (${last}); }`;
  });
  return `export default [\n${functions.join(',\n')}\n];\n`;
}

async function codesOf(rows: readonly Row[]): Promise<Code[]> {
  return await withModule(moduleOf(rows), async (path) => {
    const module: { default: Code[] } = await import(pathToFileURL(path).href);
    return module.default;
  });
}

async function stateOf(ns: TestNamespace, backend: Backend): Promise<State> {
  const state: Record<string, string[]> = {};
  for (const family of ['ip', 'ip6'] as const) {
    let table = '';
    for (const line of (await ns.must(`${program(backend, family)}-save`)).split('\n')) {
      const [, chain, rest = ''] = /^(?::|-A )(\S+) ?(.*)$/.exec(line) ?? [];
      if (line.startsWith('*')) table = `${family === 'ip6' ? 'ip6 ' : ''}${line.slice(1)}`;
      if (chain === undefined) continue;
      const key = `${table} ${chain}`;
      if (line.startsWith('-A ')) {
        state[key] ??= [];
        state[key].push(rest);
      } else if (rest.startsWith('- ')) state[key] = [];
      else if (rest.startsWith('DROP')) state[key] = ['policy DROP'];
    }
  }
  return state;
}

async function prepared<T>(backend: Backend, before: string, fn: (ns: TestNamespace) => Promise<T>): Promise<T> {
  return await withNamespace(async (ns) => {
    if (before !== '') await ns.must(`${program(backend)}-restore`, ['--counters'], { input: before });
    return await fn(ns);
  });
}

/** Runs a row's code; what it opens is in the namespace, and closed afterwards. */
async function runCode(code: Code, c: Case, backend: Backend, ns: TestNamespace): Promise<void> {
  const opened: Iptables[] = [];
  const here = { netns: { pid: ns.pid } };
  const open = async (o: IptablesOpenOptions): Promise<Iptables> => {
    const ipt = await Iptables.open({ ...here, ...o });
    opened.push(ipt);
    return ipt;
  };
  const scene: Scene = { backend, ns, real: (...args) => ns.must(program(backend), args) };
  try {
    const ipt = await open({ family: 'ip', backend });
    const result = code({ ipt, Iptables: { open }, ...tools, ...names, ...c.names });
    if (c.fails !== undefined)
      return await assert.rejects(result, { code: c.fails, ...(c.fails.startsWith('ERR') ? {} : { outcome: 'not-applied' }) });
    const value = await result;
    if (c.judge === undefined) assert.deepEqual(value, c.gives);
    else await c.judge(value, scene);
  } finally {
    for (const ipt of opened) await ipt.close();
  }
}

async function runTheirs(c: Case, backend: Backend, ns: TestNamespace): Promise<void> {
  for (const line of c.theirs ?? []) {
    const fails = line.startsWith('!');
    const command = line.replace(/^!/, '');
    const restore = command.startsWith('restore');
    const shell = restore ? `${program(backend)}-${command}` : `${program(backend)} ${command}`;
    const input = restore ? String({ ...names, ...c.names }['text']) : '';
    const { code, stderr } = await ns.run('sh', ['-c', shell], { input });
    assert.equal(code !== 0, fails, `${shell}: exit code ${code}: ${stderr}`);
  }
}

function testCase(row: string, code: Code, c: Case, backend: Backend): void {
  it(`${row}, ${backend}: ${c.when}`, async () => {
    await withLockFile(async () => {
      await prepared(backend, c.before ?? '', async (ns) => {
        const wanted = c.after === 'as before' ? await stateOf(ns, backend) : c.after;
        await runCode(code, c, backend, ns);
        assert.deepEqual(await stateOf(ns, backend), wanted, 'what nflink leaves, as the real program saves it');
      });
      if (c.theirs === undefined) return;
      await prepared(backend, c.before ?? '', async (ns) => {
        const wanted = c.theirsLeave ?? (c.after === 'as before' ? await stateOf(ns, backend) : c.after);
        await runTheirs(c, backend, ns);
        assert.deepEqual(await stateOf(ns, backend), wanted, 'what the other binding’s commands leave');
      });
    });
  });
}

for (const [section, cases] of Object.entries(sections)) {
  describe(`docs/parity.md, ${section}`, async () => {
    const rows = rowsOf(section);
    const codes = await codesOf(rows);
    it('has a test for each row, and a row for each test', () => {
      assert.deepEqual(rows.map((row) => row.name).sort(), Object.keys(cases).sort());
      for (const { name, code, note } of rows) {
        assert.equal(code === undefined, cases[name] === 'none', `${name}: either code with cases or neither`);
        assert.notEqual(note, '', `${name} has a note`);
        assert.notDeepEqual(cases[name], [], `${name} has a case`);
      }
    });
    for (const [i, { name }] of rows.entries()) {
      const of = cases[name];
      if (of === undefined || of === 'none') continue;
      for (const c of of)
        for (const backend of backends) if (c.on === undefined || c.on === backend) testCase(name, codes[i] as Code, c, backend);
    }
  });
}
