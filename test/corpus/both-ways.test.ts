// Every rule of the corpus, on both backends, made by one side and looked for, listed and deleted by the other.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kubeSaveText } from '../../bench/kube.ts';
import { splitWords } from '../../lib/iptables/words.ts';
import { fragmentNames, hostNames, ruleSet } from '../support/fixtures.ts';
import { withCorpusHost } from '../support/iptables-corpus.ts';
import { backends } from '../support/iptables-programs.ts';

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

/** 2,000 rules of kube-proxy, which name no sets. */
const KUBE = 'kube-proxy with 2,000 rules';
const kubeText = kubeSaveText({ rules: 2000 });

for (const backend of backends) {
  for (const name of [...hostNames, ...fragmentNames, KUBE]) {
    describe(`${backend}: ${name}`, () => {
      const text = name === KUBE ? kubeText : ruleSet(name);

      it('made by the real program: found, listed in order and deleted by nflink', async () => {
        await withCorpusHost(backend, name, async ({ ns, ipt, programs }) => {
          await programs.restore(ns, text);
          // As the program prints them: fragments are not in the saved form.
          const rules = rulesOf(await programs.save(ns));
          assert.equal(rules.length, rulesOf(text).length);
          const looked = name === KUBE ? some(rules, 20) : rules;
          for (const [i, r] of looked.entries()) {
            const found = i % 2 === 0 ? await ipt.exists(r.table, r.chain, r.text) : ipt.existsSync(r.table, r.chain, r.text);
            assert.equal(found, true, `${r.table} ${r.chain} ${r.text}`);
          }
          for (const r of name === KUBE ? [] : rulesOf(text)) assert.equal(await ipt.exists(r.table, r.chain, r.text), true, r.text);
          const byTable = (listed: readonly Rule[]): Rule[] => [...listed].sort((a, b) => a.table.localeCompare(b.table));
          const tables = [...new Set(rules.map((r) => r.table))];
          const listed = tables.flatMap((table) => ipt.listSync(table).map((r) => ({ table, chain: r.chain, text: String(r) })));
          assert.deepEqual(byTable(listed), byTable(rules));
          for (const chain of new Set(looked.map((r) => `${r.table} ${r.chain}`))) {
            const [table = '', user = ''] = chain.split(' ');
            const wanted = rules.filter((r) => r.table === table && r.chain === user).map((r) => r.text);
            assert.deepEqual((await ipt.list(table, user)).map(String), wanted);
          }
          for (const [i, r] of looked.entries()) {
            if (i % 2 === 0) await ipt.delete(r.table, r.chain, r.text);
            else ipt.deleteSync(r.table, r.chain, r.text);
          }
          assert.equal(rulesOf(await programs.save(ns)).length, rules.length - looked.length);
        });
      });

      it('made by nflink: found and deleted by the real program', async () => {
        await withCorpusHost(backend, name, async ({ ns, ipt, programs }) => {
          ipt.restoreSync(text);
          const rules = rulesOf(await programs.save(ns));
          const chosen = some(rules, name === KUBE ? 200 : 5);
          for (const r of chosen) {
            const words = splitWords(r.text).map((w) => w.text);
            assert.equal((await programs.run(ns, '-t', r.table, '-C', r.chain, ...words)).code, 0, r.text);
            await programs.must(ns, '-t', r.table, '-D', r.chain, ...words);
          }
          assert.equal(rulesOf(await ipt.save()).length, rules.length - chosen.length);
        });
      });
    });
  }
}
