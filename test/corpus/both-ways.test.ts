// Every rule of the corpus, made by one side and looked for, listed and deleted by the other.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables } from '../../lib/index.ts';
import { splitWords } from '../../lib/iptables/words.ts';
import { hostNames, ipsets, ruleSet } from '../support/fixtures.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

interface Rule {
  readonly table: string;
  readonly chain: string;
  readonly text: string;
}

function rulesOf(text: string): Rule[] {
  let table = '';
  const out: Rule[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const rule = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/.exec(line);
    if (rule !== null) out.push({ table, chain: rule[1] ?? '', text: rule[2] ?? '' });
  }
  return out;
}

/** A spread of the rules: processes are slow. The last of each table is always in. */
function some(rules: readonly Rule[], every: number): Rule[] {
  return rules.filter((r, i) => i % every === 0 || rules[i + 1]?.table !== r.table);
}

async function withCorpus(
  name: string,
  restore: (ns: TestNamespace, ipt: Iptables) => Promise<unknown>,
  fn: (ns: TestNamespace, ipt: Iptables) => Promise<void>,
): Promise<void> {
  await withNamespace(async (ns) => {
    const sets = ipsets(name);
    if (sets !== undefined) await ns.must('ipset', ['restore'], { input: sets });
    const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } });
    try {
      await restore(ns, ipt);
      await fn(ns, ipt);
    } finally {
      await ipt.close();
    }
  });
}

for (const name of hostNames) {
  describe(name, () => {
    const rules = rulesOf(ruleSet(name));

    it('made by the real program: found, listed in order and deleted by nflink', async () => {
      await withCorpus(
        name,
        (ns) => ns.must('iptables-nft-restore', [], { input: ruleSet(name) }),
        async (ns, ipt) => {
          for (const r of rules) assert.equal(await ipt.exists(r.table, r.chain, r.text), true, `${r.table} ${r.chain} ${r.text}`);
          for (const chain of new Set(rules.map((r) => `${r.table} ${r.chain}`))) {
            const [table = '', user = ''] = chain.split(' ');
            const wanted = rules.filter((r) => r.table === table && r.chain === user).map((r) => r.text);
            assert.deepEqual((await ipt.list(table, user)).map(String), wanted);
          }
          for (const r of rules) await ipt.delete(r.table, r.chain, r.text);
          assert.deepEqual(rulesOf(await ns.must('iptables-nft-save')), []);
        },
      );
    });

    it('made by nflink: found and deleted by the real program', async () => {
      await withCorpus(
        name,
        (_ns, ipt) => ipt.restore(ruleSet(name)),
        async (ns, ipt) => {
          const chosen = some(rules, 5);
          for (const r of chosen) {
            const words = splitWords(r.text).map((w) => w.text);
            assert.equal((await ns.run('iptables-nft', ['-t', r.table, '-C', r.chain, ...words])).code, 0, r.text);
            await ns.must('iptables-nft', ['-t', r.table, '-D', r.chain, ...words]);
          }
          const left = rulesOf(await ipt.save()).length;
          assert.equal(left, rules.length - chosen.length);
        },
      );
    });
  });
}
