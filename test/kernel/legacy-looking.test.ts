// Looking at a legacy table that isn't there never makes it: reading one makes it, with its hooks, and so the kernel is never asked.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables } from '../../lib/index.ts';
import { ipFamilies, Programs } from '../support/iptables-programs.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

const refused = async (call: () => unknown, code: string): Promise<void> => {
  await assert.rejects(async () => await call(), { code });
};

const looks: readonly (readonly [what: string, look: (ipt: Iptables) => unknown])[] = [
  ['save', (ipt) => ipt.save()],
  ['save of a table', (ipt) => ipt.save({ table: 'filter', counters: true })],
  ['saveSync', (ipt) => ipt.saveSync()],
  ['list', (ipt) => ipt.list('nat')],
  ['list of a chain', (ipt) => ipt.list('nat', 'OUTPUT')],
  ['list of a chain that is not there', (ipt) => refused(() => ipt.list('nat', 'NOPE'), 'ENOENT')],
  ['listSync', (ipt) => ipt.listSync('mangle', 'FORWARD')],
  ['listChains', (ipt) => ipt.listChains('raw')],
  ['listChainsSync', (ipt) => ipt.listChainsSync('filter')],
  ['exists', (ipt) => ipt.exists('filter', 'INPUT', '-p tcp --dport 22 -j ACCEPT')],
  ['existsSync', (ipt) => ipt.existsSync('filter', 'NOPE', '-m conntrack --ctstate NEW')],
  ['snapshot', (ipt) => ipt.snapshot()],
  ['snapshot of tables', (ipt) => ipt.snapshotSync({ tables: ['security', 'raw'] })],
  ['counters', (ipt) => ipt.counters()],
  ['counters of a chain', (ipt) => ipt.countersSync({ table: 'filter', chain: 'INPUT' })],
  ['deleteIfExists', (ipt) => ipt.deleteIfExists('filter', 'INPUT', '-j DROP')],
  ['deleteIfExists in no chain', (ipt) => ipt.deleteIfExistsSync('filter', 'NOPE', '-j NOPE')],
  ['delete', (ipt) => refused(() => ipt.delete('filter', 'INPUT', '-j DROP'), 'ENOENT')],
  ['deleteAt', (ipt) => refused(() => ipt.deleteAt('filter', 'INPUT', 1), 'E2BIG')],
  ['replace', (ipt) => refused(() => ipt.replace('filter', 'INPUT', 1, '-j DROP'), 'E2BIG')],
  ['flushChain', (ipt) => ipt.flushChain('filter')],
  ['deleteChain', (ipt) => refused(() => ipt.deleteChain('filter', 'NOPE'), 'ENOENT')],
  ['renameChain', (ipt) => refused(() => ipt.renameChain('filter', 'NOPE', 'X'), 'ENOENT')],
  ['ensureChain of a builtin one', (ipt) => ipt.ensureChain('filter', 'INPUT')],
  ['restore with test', (ipt) => ipt.restore('*filter\n:X - [0:0]\n-A INPUT -j X\nCOMMIT\n*nat\nCOMMIT\n', { test: true })],
  [
    'check',
    async (ipt) => {
      const tx = ipt.transaction('filter');
      tx.newChain('X');
      tx.append('INPUT', '-j X');
      tx.setPolicy('INPUT', 'DROP');
      await tx.check();
      tx.checkSync();
    },
  ],
  ['a commit of nothing', (ipt) => ipt.transaction('filter').commit()],
];

async function tableNames(ns: TestNamespace): Promise<string> {
  return await ns.must('cat', ['/proc/self/net/ip_tables_names', '/proc/self/net/ip6_tables_names']);
}

for (const family of ipFamilies) {
  describe(`looking at ${family} tables that are not there`, () => {
    for (const [what, look] of looks) {
      it(`${what} makes none`, async () => {
        await withNamespace(async (ns) => {
          const ipt = await Iptables.open({ family, backend: 'legacy', netns: ns.path });
          try {
            assert.equal(await tableNames(ns), '', 'opening makes none');
            await look(ipt);
            assert.equal(await tableNames(ns), '');
          } finally {
            await ipt.close();
          }
        });
      });
    }

    it('auto makes none either, and beside one table no other', async () => {
      await withNamespace(async (ns) => {
        await (await Iptables.open({ family, netns: ns.path })).close();
        assert.equal(await tableNames(ns), '');
        const programs = new Programs('legacy', family);
        await programs.must(ns, '-t', 'raw', '-A', 'OUTPUT', '-j', 'RETURN');
        await using ipt = await Iptables.open({ family, netns: ns.path });
        assert.equal(ipt.backend.name, 'legacy');
        for (const [, look] of looks) await look(ipt);
        assert.equal(await tableNames(ns), 'raw\n');
        assert.deepEqual(await programs.rules(ns, 'raw'), ['-A OUTPUT -j RETURN']);
      });
    });
  });
}
