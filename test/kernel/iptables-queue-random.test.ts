// Random calls through a queue come to what the same calls come to one after the other: the same outcomes, the same rules.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Iptables } from '../../lib/index.ts';
import { type Backend, backends, type IpFamily, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { withNamespace } from '../support/namespace.ts';
import { append, oneByOne, type QueuedCall, queued, remove } from '../support/queued-calls.ts';

const place = fc.constantFrom<readonly [chain: string, table: string]>(
  ['INPUT', 'filter'],
  ['FORWARD', 'filter'],
  ['A', 'filter'],
  ['B', 'filter'],
  ['NOWHERE', 'filter'],
  ['INPUT', 'mangle'],
  ['PREROUTING', 'nat'],
);
/** Few enough that deleting finds some. */
const ordinary = fc.constantFrom(
  '-p tcp --dport 22 -j RETURN',
  '-p tcp -m tcp --dport 22 -j RETURN',
  '-m comment --comment "one two" -j RETURN',
  '-m comment --comment "one twos" -j RETURN',
  '-m mark --mark 1',
  '! -i eth+ -j LOG',
  '-j NOWHERE',
  '-j INPUT',
  '-m set --match-set nosuch src',
  '--nonsense',
);
/** What the kernel refuses for the table's sake, or for the place. Only appended: it judges the table as all calls of a batch leave it. */
const judged = fc.constantFrom('-j A', '-g B', '-j MASQUERADE', '-m owner --uid-owner 0', '-p tcp -j TCPMSS --set-mss 1000', '-j DNAT');

const call: fc.Arbitrary<QueuedCall> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(place, ordinary).map(([[chain, table], rule]) => append(chain, rule, table)) },
  { weight: 5, arbitrary: fc.tuple(place, ordinary).map(([[chain, table], rule]) => remove(chain, rule, table)) },
  { weight: 1, arbitrary: fc.tuple(place, judged).map(([[chain, table], rule]) => append(chain, rule, table)) },
);
/** Calls, and how many go into one commit at most. */
const runs = fc.tuple(fc.array(call, { minLength: 5, maxLength: 40 }), fc.constantFrom(1000, 7));

async function compare(backend: Backend, family: IpFamily, calls: readonly QueuedCall[], maxBatch: number): Promise<void> {
  const programs = new Programs(backend, family);
  await withNamespace(async (ns) => {
    await withNamespace(async (twin) => {
      const opened = await Promise.all([ns, twin].map((where) => Iptables.open({ family, backend, netns: where.path })));
      const [ipt, other] = opened as [Iptables, Iptables];
      try {
        for (const one of opened) {
          for (const chain of ['A', 'B']) await one.newChain('filter', chain);
          // A jump to a builtin chain is refused as one where there is the chain; a refused append to it has made it for the batch only.
          await one.setPolicy('filter', 'INPUT', 'ACCEPT');
        }
        const together = await queued(calls, ipt.queue({ maxBatch }));
        const single = await oneByOne(calls, other);
        const what = (outcomes: readonly string[]): string[] =>
          calls.map((c, i) => `${c.verb} ${c.table} ${c.chain} ${c.rule}: ${outcomes[i]}`);
        assert.deepEqual(what(together), what(single));
        assert.deepEqual(await programs.state(ns), await programs.state(twin));
      } finally {
        await Promise.all(opened.map((one) => one.close()));
      }
    });
  });
}

for (const backend of backends) {
  for (const family of ipFamilies) {
    it(`random calls on ${backend} ${family}`, async () => {
      await fc.assert(
        fc.asyncProperty(runs, async ([calls, maxBatch]) => await compare(backend, family, calls, maxBatch)),
        { numRuns: 15, seed: 202 },
      );
    });
  }
}
