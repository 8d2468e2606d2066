// A plan that goes through nothing but what has changed since the last one is the plan of somebody who sees the tables for the first time: many texts in
// turns, several scopes, and others who write in between.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '../../lib/iptables/compile.ts';
import { Iptables } from '../../lib/iptables/iptables.ts';
import type { Plan } from '../../lib/iptables/sync/plan.ts';
import type { Scope } from '../../lib/iptables/sync/scope.ts';
import { backends } from '../support/iptables.ts';
import { withLockFile } from '../support/lock-file.ts';
import { withNamespace } from '../support/namespace.ts';
import { Random } from '../support/random.ts';

const CHAINS = 8;
const scopes: readonly Scope[] = [
  {},
  { tables: ['filter'] },
  { tables: ['filter'], chains: /^C/ },
  { chains: /^C[0-3]/, tables: ['filter'], jumps: [{ table: 'filter', chain: 'INPUT', rule: '-j C0', at: 'first' }] },
];

/** Chains C0 and so on with up to four rules each, some of them missing; C0 is always there. */
function randomText(random: Random, only: number): string {
  const lines: string[] = [];
  const rules: string[] = [];
  for (let c = 0; c < only; c++) {
    if (c > 0 && random.below(4) === 0) continue;
    lines.push(`:C${c} - [0:0]`);
    for (let r = random.below(5); r > 0; r--) rules.push(`-A C${c} -p tcp --dport ${1 + random.below(6)} -j ACCEPT`);
  }
  return `*filter\n${lines.join('\n')}\n${rules.join('\n')}\nCOMMIT\n`;
}

/** What others do: rules, chains, renames, policies, the whole table. */
function foreign(random: Random): string[] {
  const chain = `C${random.below(CHAINS)}`;
  const all = [
    ['-A', chain, '-p', 'udp', '-j', 'DROP'],
    ['-F', chain],
    ['-N', chain],
    ['-N', `X${random.below(3)}`],
    ['-E', `X${random.below(3)}`, chain],
    ['-A', 'INPUT', '-p', 'icmp', '-j', 'ACCEPT'],
    ['-P', 'FORWARD', random.below(2) === 0 ? 'DROP' : 'ACCEPT'],
    ['-D', chain, '1'],
  ];
  return random.pick(all);
}

/** Chains that go come in any order. */
function content(plan: Plan): unknown {
  const { added, removed, moved, kept, empty } = plan;
  return { added, removed, moved, kept, empty, lines: plan.toString().split('\n').sort() };
}

for (const backend of backends)
  describe(`plans of ${backend} tables that were seen before`, () => {
    for (const seed of [1, 2, 3])
      it(`are those of a first look, seed ${seed}`, async () => {
        const random = new Random(seed);
        await withLockFile(() =>
          withNamespace(async (ns) => {
            await using ipt = await Iptables.open({ family: 'ip', backend, netns: ns.path });
            await using other = await Iptables.open({ family: 'ip', backend, netns: ns.path });
            const made = (chains: number) => {
              const text = randomText(random, chains);
              return { text, compiled: compile(text) };
            };
            const wide = [made(CHAINS), made(CHAINS), made(CHAINS)];
            const narrow = [made(4), made(4), made(4)];
            for (let n = 0; n < 60; n++) {
              const scope = random.pick(scopes);
              const { text, compiled } = random.pick(scope.jumps === undefined && random.chance(0.5) ? wide : narrow);
              await using fresh = await Iptables.open({ family: 'ip', backend, netns: ns.path });
              const plan = await ipt.plan(compiled, scope);
              const first = await fresh.plan(text, scope);
              assert.deepEqual(content(plan), content(first), `turn ${n}`);
              if (random.chance(0.7)) await plan.apply();
              for (let k = random.below(3); k > 0; k--) await other.run(foreign(random)).catch(() => {});
            }
          }),
        );
      });
  });
