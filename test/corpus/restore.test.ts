// Real rule sets through nflink and through the real programs: both ways the kernel holds the same and both print the same.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables } from '../../lib/index.ts';
import { fragmentNames, golden, hostNames, ipsets, ruleSet, tablesOf } from '../support/fixtures.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { rawRules } from '../support/raw-dump.ts';

const goldens = new Set<string>([...hostNames, 'kube-nginx']);

async function prepare(ns: TestNamespace, name: string): Promise<void> {
  const sets = ipsets(name);
  if (sets !== undefined) await ns.must('ipset', ['restore'], { input: sets });
}

async function withIptables<T>(ns: TestNamespace, fn: (ipt: Iptables) => Promise<T>): Promise<T> {
  const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } });
  try {
    return await fn(ipt);
  } finally {
    await ipt.close();
  }
}

/** What the real save prints for the same text restored by the real program in a namespace of its own. */
async function realRoundTrip(name: string): Promise<{ save: string; counted: string }> {
  return await withNamespace(async (ns) => {
    await prepare(ns, name);
    await ns.must('iptables-nft-restore', ['--counters'], { input: ruleSet(name) });
    return { save: await ns.must('iptables-nft-save'), counted: await ns.must('iptables-nft-save', ['-c']) };
  });
}

for (const name of [...hostNames, ...fragmentNames]) {
  describe(name, () => {
    it('restored by nflink: the real save prints what it prints after the real restore, counters too', async () => {
      const real = goldens.has(name) ? { save: golden(name, 'save'), counted: golden(name, 'save-c') } : await realRoundTrip(name);
      await withNamespace(async (ns) => {
        await prepare(ns, name);
        const result = await withIptables(ns, (ipt) => ipt.restore(ruleSet(name), { counters: true }));
        assert.deepEqual([...result.tables].sort(), [...tablesOf(real.save).keys()].sort());
        assert.deepEqual(tablesOf(await ns.must('iptables-nft-save')), tablesOf(real.save));
        assert.deepEqual(tablesOf(await ns.must('iptables-nft-save', ['-c'])), tablesOf(real.counted));
      });
    });

    it('restored by the real program: save() prints what the real save prints', async () => {
      await withNamespace(async (ns) => {
        await prepare(ns, name);
        await ns.must('iptables-nft-restore', ['--counters'], { input: ruleSet(name) });
        await withIptables(ns, async (ipt) => {
          assert.deepEqual(tablesOf(await ipt.save()), tablesOf(await ns.must('iptables-nft-save')));
          assert.deepEqual(tablesOf(await ipt.save({ counters: true })), tablesOf(await ns.must('iptables-nft-save', ['-c'])));
          for (const table of tablesOf(ruleSet(name)).keys()) {
            assert.deepEqual([...tablesOf(await ipt.save({ table })).keys()], [table]);
          }
        });
      });
    });

    it('saved and restored by nflink: the raw dumps are equal but for handles, and for counters unless they were asked for', async () => {
      await withNamespace(async (first) => {
        await prepare(first, name);
        const saved = await withIptables(first, async (ipt) => {
          await ipt.restore(ruleSet(name), { counters: true });
          return { plain: await ipt.save(), counted: await ipt.save({ counters: true }) };
        });
        await withNamespace(async (second) => {
          await prepare(second, name);
          await withIptables(second, async (ipt) => {
            await ipt.restore(saved.plain);
            assert.deepEqual(rawRules(second.path, { counters: false }), rawRules(first.path, { counters: false }));
            await ipt.restore(saved.counted, { counters: true });
            assert.deepEqual(rawRules(second.path, { counters: true }), rawRules(first.path, { counters: true }));
          });
        });
      });
    });
  });
}
