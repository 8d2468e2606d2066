// What a rule becomes in the kernel is no drift: after a sync, and after the real program has written the same text, a text read anew finds nothing to
// do through a new connection. Every case of the oracle and every rule set of the corpus, on both backends.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile, type Expression, Iptables, type NetfilterError, Nftables } from '../../lib/index.ts';
import { ruleExpressions } from '../../lib/iptables/compat/encode.ts';
import { CompatKeys } from '../../lib/iptables/compat/rule-keys.ts';
import { parseRule } from '../../lib/iptables/rule-text.ts';
import { toXt } from '../../lib/iptables/xt-convert.ts';
import { fragmentNames, hostNames, ruleSet } from '../support/fixtures.ts';
import { withCorpusHost } from '../support/iptables-corpus.ts';

import { type Backend, backends, type IpFamily, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { type Case, oracleCases } from '../support/oracle.ts';

/** What `text` would change through a new connection; undefined: nothing. */
async function drift(
  ns: TestNamespace,
  backend: Backend,
  family: IpFamily,
  text: string,
  tables: readonly string[],
): Promise<string | undefined> {
  await using ipt = await Iptables.open({ family, backend, netns: ns.path });
  const plan = await ipt.plan(text, { tables });
  return plan.empty ? undefined : String(plan);
}

async function sync(ns: TestNamespace, backend: Backend, family: IpFamily, text: string, tables: readonly string[]): Promise<void> {
  await using ipt = await Iptables.open({ family, backend, netns: ns.path });
  const { added } = await ipt.sync(text, { tables });
  assert.equal(added, compile(text, family).rules);
  // Nor through the connection that has sent it.
  const again = await ipt.plan(text, { tables });
  assert.ok(again.empty, String(again));
}

/** Lines that the real save prints as another rule, or as none. */
const LOST = /! -[io] \+$|--icmp-type 255\/255$|! --ipcompspi 0:4294967295$|! --[sd]port 0:65535$|--limit 1\/sec --limit-burst 7$/;

function unlessLost(diff: string | undefined): string | undefined {
  const lines = diff?.split('\n').filter((line) => line.startsWith('--A ') && !LOST.test(line)) ?? [];
  return lines.length > 0 ? diff : undefined;
}

/** Cases that the restore program of this machine (1.8.9) reads otherwise than those that recorded them (1.8.13), or does not read. */
const OLDER = /mld-listener|^--protocol=tcp|^-ptcp|--queue-balance :$|! --[sd]port :$/;

/** Cases that one text can hold: those with a set-up of their own stand alone. */
function texts(cases: readonly Case[]): { readonly table: string; readonly cases: readonly Case[] }[] {
  const groups = new Map<string, Case[]>();
  for (const c of cases) {
    const key = `${c.table} ${SETUP[c.source] === undefined ? '' : c.source}`;
    groups.set(key, [...(groups.get(key) ?? []), c]);
  }
  return [...groups.values()].map((group) => ({ table: (group[0] as Case).table, cases: group }));
}
const textOf = (table: string, cases: readonly Case[]): string =>
  `*${table}\n${cases.map((c) => `-A ${c.chain} ${c.rule}\n`).join('')}COMMIT\n`;

/** What is there before: the estimators that -m rateest compares live as long as their rules. */
const SETUP: Readonly<Record<string, string>> = {
  'libxt_rateest.t': [1, 2]
    .map((n) => `-A OUTPUT -j RATEEST --rateest-name RE${n} --rateest-interval 250ms --rateest-ewmalog 500ms\n`)
    .join(''),
};

/** What the cases have none of. */
const RULES: readonly (readonly [table: string, rule: string])[] = [
  ['raw', '-j TRACE'],
  ['mangle', '-p udp -j CHECKSUM --checksum-fill'],
  ['filter', '-m state --state NEW,ESTABLISHED'],
  ['filter', '-m conntrack --ctstate NEW,ESTABLISHED'],
  ['filter', '-m conntrack ! --ctstate INVALID'],
  ['filter', '-m set --match-set one src -m set ! --match-set two dst'],
  ['filter', '-j SET --add-set two src --exist'],
  ['filter', '-m comment --comment "two words" -m comment --comment again'],
  ['filter', '-m comment --comment ""'],
  ['filter', '-p tcp -m tcp --dport 1 -m tcp --sport 2'],
  ['filter', '-p tcp -m tcp --sport 1:2 --dport 3:4 --tcp-flags ALL SYN'],
  ['filter', '-p udp -m udp --sport 5 --dport 6'],
  ['filter', '-m mark --mark 0x1/0xf -m mark ! --mark 2'],
  ['filter', '-m limit --limit 86401/day --limit-burst 7'],
  ['filter', '-m limit --limit 3/min'],
  ['filter', '-j NFLOG --nflog-group 3 --nflog-prefix "a b" --nflog-threshold 2'],
  ['filter', '-j NFLOG'],
  ['filter', '-j LOG --log-prefix "x: " --log-level debug'],
  ['filter', '! -i eth0 -o wan+ ! -p tcp -j RETURN'],
  ['filter', '-p 47'],
  ['filter', '-m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name sync'],
  ['filter', '-m recent --set --name sync --rsource'],
  ['filter', '-m quota --quota 1000'],
  ['filter', '-m statistic --mode nth --every 3 --packet 1'],
  ['filter', '-m string --string abc --algo bm --to 100'],
  ['filter', '-m time --timestart 08:00 --timestop 17:00 --weekdays Mon,Fri'],
];
const IP_RULES: typeof RULES = [
  ['filter', '-s 10.1.2.3/255.0.255.0 ! -d 10.0.0.0/9'],
  ['filter', '-s 0.0.0.0/0 -p all -i +'],
  ['filter', '-f -j DROP'],
  ['nat', '-p tcp -j DNAT --to-destination 10.0.0.1:80-90'],
  ['nat', '-j MASQUERADE --random'],
];

/** Rules whose matches have several revisions, each with one that can say them before the newest. */
const REVISED = [
  '-m conntrack --ctstate NEW,RELATED',
  '-m conntrack --ctproto tcp --ctorigsrc 10.0.0.0/8',
  '-p tcp -m multiport --dports 80,443',
  '-m hashlimit --hashlimit-upto 3/sec --hashlimit-mode srcip --hashlimit-name older',
  '-m iprange --src-range 10.0.0.1-10.0.0.9',
  '-m physdev --physdev-is-bridged',
  '-m mark --mark 7',
  '-m recent --set --name older --rsource',
  '-m addrtype --dst-type LOCAL',
  '-m owner --uid-owner 3',
  '-m connmark --mark 3',
  '-m policy --dir in --pol ipsec',
];

/** As nft writes rules, and how iptables calls them. */
const NFT: readonly (readonly [written: string, rule: string])[] = [
  ['counter comment "by nft"', '-m comment --comment "by nft"'],
  ['tcp dport 22 counter accept', '-p tcp -m tcp --dport 22 -j ACCEPT'],
  ['ip saddr 10.0.0.0/8 counter drop', '-s 10.0.0.0/8 -j DROP'],
  ['meta mark 0x5 counter packets 7 bytes 8', '-m mark --mark 0x5'],
  ['iifname "eth*" counter return', '-i eth+ -j RETURN'],
];

for (const backend of backends)
  for (const family of ipFamilies)
    describe(`rules in the kernel, ${backend} ${family}`, () => {
      const programs = new Programs(backend, family);

      it('of every case of the oracle are those of the text', async (t) => {
        const all = (oracleCases(t) ?? []).filter((c) => c.family === family && c[backend].supported_here && c[backend].rc === 0);
        const wrong: string[] = [];
        let judged = 0;
        await withNamespace(async (ns) => {
          for (const { table, cases } of texts(all)) {
            const setup = SETUP[(cases[0] as Case).source];
            const text = textOf(table, cases);
            const title = `${(cases[0] as Case).source} ${table}`;
            try {
              if (setup !== undefined) await programs.restore(ns, `*mangle\n${setup}COMMIT\n`);
              await sync(ns, backend, family, text, [table]);
              const found = await drift(ns, backend, family, text, [table]);
              if (found !== undefined) wrong.push(`${title}: after sync\n${found}`);
              const saved = unlessLost(await drift(ns, backend, family, await programs.save(ns, '-t', table), [table]));
              if (saved !== undefined) wrong.push(`${title}: what the real program saves\n${saved}`);
              const known = cases.filter((c) => !OLDER.test(c.rule));
              await programs.restore(ns, `*${table}\nCOMMIT\n`);
              await programs.restore(ns, textOf(table, known), '--noflush');
              const written = await drift(ns, backend, family, textOf(table, known), [table]);
              if (written !== undefined) wrong.push(`${title}: what the real program writes\n${written}`);
              judged += cases.length;
            } catch (err) {
              wrong.push(`${title}: ${(err as Error).message}`);
            }
          }
        });
        t.diagnostic(`${judged} cases`);
        assert.deepEqual(wrong, []);
      });

      it('of kinds that the cases have none of are those of the text, whoever has written them', async () => {
        const rules = family === 'ip' ? [...RULES, ...IP_RULES] : RULES;
        const tables = [...new Set(rules.map(([table]) => table))];
        const chainOf: Readonly<Record<string, string>> = { nat: 'OUTPUT', raw: 'PREROUTING', mangle: 'POSTROUTING' };
        const text = tables
          .map((table) => {
            const lines = rules.filter((r) => r[0] === table).map(([, rule]) => `-A ${chainOf[table] ?? 'X'} ${rule}\n`);
            return `*${table}\n${chainOf[table] === undefined ? ':X - [0:0]\n' : ''}${lines.join('')}COMMIT\n`;
          })
          .join('')
          .replace(
            '--to-destination 10.0.0.1:80-90\n-A OUTPUT -j MASQUERADE',
            '--to-destination 10.0.0.1:80-90\n-A POSTROUTING -j MASQUERADE',
          );
        await withNamespace(async (ns) => {
          // The real program first: its sets have other numbers than they would have after.
          const inet = family === 'ip' ? 'inet' : 'inet6';
          for (const set of ['before', 'one', 'two']) await ns.must('ipset', ['create', set, 'hash:ip', 'family', inet]);
          await programs.restore(ns, text);
          assert.equal(await drift(ns, backend, family, text, tables), undefined);
          assert.equal(unlessLost(await drift(ns, backend, family, await programs.save(ns), tables)), undefined);
          for (const table of tables) await programs.restore(ns, `*${table}\nCOMMIT\n`);
          await sync(ns, backend, family, text, tables);
          assert.equal(await drift(ns, backend, family, text, tables), undefined);
          // Another set of the same name is another set, and the rule the same.
          for (const table of tables) await programs.restore(ns, `*${table}\nCOMMIT\n`);
          for (const set of ['before', 'two', 'one']) await ns.must('ipset', ['destroy', set]);
          for (const set of ['two', 'one']) await ns.must('ipset', ['create', set, 'hash:ip', 'family', inet]);
          await sync(ns, backend, family, text, tables);
          assert.equal(await drift(ns, backend, family, text, tables), undefined);
        });
      });
    });

for (const backend of backends)
  describe(`rule sets of whole hosts, ${backend}`, () => {
    for (const name of [...hostNames, ...fragmentNames])
      it(name, async () => {
        await withCorpusHost(backend, name, async ({ ns, programs }) => {
          const text = ruleSet(name);
          const tables = [...text.matchAll(/^\*(\w+)$/gm)].map(([, table = '']) => table);
          await sync(ns, backend, 'ip', text, tables);
          assert.equal(await drift(ns, backend, 'ip', text, tables), undefined);
          const saved = await programs.save(ns);
          assert.equal(await drift(ns, backend, 'ip', saved, tables), undefined);
          await programs.restore(ns, saved);
          assert.equal(await drift(ns, backend, 'ip', text, tables), undefined);
        });
      });
  });

describe('rules that others have written to nf_tables', () => {
  it('in an older revision are those of the newest', async () => {
    await withNamespace(async (ns) => {
      const { own } = new CompatKeys('ip');
      await using nft = await Nftables.open({ netns: ns.path });
      const place = { family: 'ip', table: 'filter', chain: 'X' } as const;
      await ns.must('nft', ['add table ip filter; add chain ip filter X']);
      const written: string[] = [];
      for (const rule of REVISED)
        for (let revision = 0, last = ''; revision < 5; revision++) {
          let expressions: ReturnType<typeof ruleExpressions>;
          try {
            expressions = ruleExpressions(toXt(parseRule(rule), own, () => revision));
          } catch {
            continue;
          }
          const revisions = expressions.map((e) => ('rev' in e ? e.rev : '')).join('');
          if (revisions === last) continue;
          last = revisions;
          const tx = nft.transaction();
          tx.add({ rule: { ...place, expressions: expressions as readonly Expression[] } });
          try {
            await tx.commit();
            written.push(rule);
          } catch (err) {
            // A revision that this kernel has no more.
            assert.equal((err as NetfilterError).code, 'ENOENT');
          }
        }
      assert.ok(written.length > REVISED.length + 5, `${written.length} rules`);
      const text = `*filter\n:X - [0:0]\n${written.map((rule) => `-A X ${rule}\n`).join('')}COMMIT\n`;
      assert.equal(await drift(ns, 'nft', 'ip', text, ['filter']), undefined);
    });
  });

  it('as nft writes them are those that iptables sees in them', async () => {
    await withNamespace(async (ns) => {
      const rules = NFT.map(([written]) => `    ${written}\n`).join('');
      await ns.must('nft', ['-f', '-'], { input: `table ip filter {\n  chain X {\n${rules}  }\n}\n` });
      const text = `*filter\n:X - [0:0]\n${NFT.map(([, rule]) => `-A X ${rule}\n`).join('')}COMMIT\n`;
      assert.equal(await drift(ns, 'nft', 'ip', text, ['filter']), undefined);
    });
  });
});
