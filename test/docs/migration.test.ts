// docs/migration.md's table of errors: the real program, given a command line, says the row's words, and `run()` of the same line has the row's code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Iptables } from '../../lib/index.ts';
import { withModule } from '../support/documents.ts';
import { root } from '../support/fixtures.ts';
import { type Backend, backends, program } from '../support/iptables.ts';
import { withLockFile } from '../support/lock-file.ts';
import { LockHolder } from '../support/lock-holder.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

const before = '*filter\n:FULL - [0:0]\n:USED - [0:0]\n-A FULL -j DROP\n-A FORWARD -j USED\nCOMMIT\n';

/** By the first words of a row, command lines that make the program say each of its words on one backend or the other. */
const lines: Readonly<Record<string, readonly string[]>> = {
  'Bad rule': ['-D FULL -j RETURN', '-C FULL -j RETURN'],
  'No chain/target/match by that name': ['-A NOWHERE -j ACCEPT', '-D NOWHERE 1', '-F NOWHERE', '-X NOWHERE', '-L NOWHERE'],
  "Couldn't load target": ['-A FULL -j NOWHERE'],
  "doesn't exist": ['-A FULL -m set --match-set nosuch src -j DROP'],
  "Couldn't load match": ['-A FULL -m nosuch -j DROP'],
  'unknown option': ['-A FULL --dprot 1', '-A FULL -s host.invalid', '-A FULL -p tcp --dport 70000', '-A INPUT -o lo'],
  'Chain already exists': ['-N FULL', '-E FULL USED'],
  'Device or resource busy': ['-X FULL', '-X USED'],
  'Index of insertion too big': ['-I FULL 9 -j DROP', '-R FULL 9 -j DROP', '-D FULL 9'],
};

interface Row {
  readonly words: readonly string[];
  readonly code: string;
}

function rows(): Row[] {
  const page = readFileSync(join(root, 'docs/migration.md'), 'utf8');
  const table = page.slice(page.indexOf('| the program says |')).split('\n\n')[0] ?? '';
  return table
    .split('\n')
    .slice(2)
    .map((line) => {
      const [, words = '', code = ''] = line.split('|').map((cell) => cell.trim());
      return { words: words.split('; '), code: /^`(\w+)`/.exec(code)?.[1] ?? '' };
    });
}

async function prepared(backend: Backend, fn: (ns: TestNamespace, ipt: Iptables) => Promise<void>): Promise<void> {
  await withLockFile(() =>
    withNamespace(async (ns) => {
      await ns.must(`${program(backend)}-restore`, [], { input: before });
      const ipt = await Iptables.open({ family: 'ip', backend, netns: { pid: ns.pid } });
      try {
        await fn(ns, ipt);
      } finally {
        await ipt.close();
      }
    }),
  );
}

/** Runs a line with the real program, which must fail, and with nflink; what the program said. */
async function refused(backend: Backend, line: string, code: string): Promise<string> {
  let said = '';
  await prepared(backend, async (ns, ipt) => {
    const save = async (): Promise<string> => (await ns.must(`${program(backend)}-save`)).replaceAll(/^#.*$/gm, '');
    const saved = await save();
    const real = await ns.run(program(backend), line.split(' '));
    assert.notEqual(real.code, 0, line);
    said = real.stderr;
    await assert.rejects(ipt.run(line), { code }, line);
    assert.equal(await save(), saved, `${line} changes nothing`);
  });
  return said;
}

/** Without the capabilities; what `open` says is proved in test/lifecycle, and here that it has the row's code. */
async function withoutRights(backend: Backend, code: string): Promise<string> {
  let said = '';
  await prepared(backend, async (ns) => {
    const without = ['setpriv', '--bounding-set', '-net_admin,-net_raw', '--inh-caps', '-net_admin,-net_raw', '--'];
    const [command = '', ...args] = without;
    said = (await ns.run(command, [...args, program(backend), '-N', 'NEW'])).stderr;
    const open = `Iptables.open({ family: 'ip', backend: '${backend}' }).then(() => console.log('opened'), (err) => console.log(err.code, err.message))`;
    const source = `import { Iptables } from 'nflink';\nawait ${open};\n`;
    const printed = await withModule(source, (path) => ns.must(command, [...args, process.execPath, path]));
    assert.match(printed, new RegExp(`^${code} .*CAP_NET_`));
  });
  return said;
}

/** While somebody holds the lock, which only legacy has. */
async function whileLocked(backend: Backend, code: string): Promise<string> {
  if (backend === 'nft') return '';
  let said = '';
  await prepared(backend, async (ns) => {
    const hasty = await Iptables.open({ family: 'ip', backend, netns: { pid: ns.pid }, lockTimeoutMs: 0 });
    const holder = await LockHolder.take(process.env['XTABLES_LOCKFILE'] ?? '');
    try {
      said = (await ns.run(program(backend), ['-w', '1', '-N', 'NEW'])).stderr;
      await assert.rejects(hasty.run('-N NEW'), { code, outcome: 'not-applied' });
    } finally {
      await holder.release();
      await hasty.close();
    }
  });
  return said;
}

type Scene = (backend: Backend, code: string) => Promise<string>;
const scenes: Readonly<Record<string, readonly Scene[]>> = {
  ...Object.fromEntries(
    Object.entries(lines).map(([row, commands]) => [
      row,
      commands.map(
        (line): Scene =>
          (backend, code) =>
            refused(backend, line, code),
      ),
    ]),
  ),
  'Permission denied (you must be root)': [withoutRights],
  'Another app is currently holding the xtables lock': [whileLocked],
};

describe("docs/migration.md's table of errors", () => {
  const table = rows();
  it('has a test for each row, and a row for each test', () => {
    assert.deepEqual(table.map(({ words }) => words[0]).sort(), Object.keys(scenes).sort());
  });
  for (const { words, code } of table) {
    it(`${words.join('; ')}: ${code}`, async () => {
      const unsaid = new Set(words);
      for (const backend of backends) {
        for (const scene of scenes[words[0] ?? ''] ?? []) {
          const said = await scene(backend, code);
          const found = words.filter((word) => said.includes(word));
          for (const word of found) unsaid.delete(word);
          if (said !== '') assert.notDeepEqual(found, [], `the row has the words of ${program(backend)}: ${said}`);
        }
      }
      assert.deepEqual([...unsaid], [], 'words that no program said');
    });
  }
});
