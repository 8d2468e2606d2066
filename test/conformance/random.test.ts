// Random commands, one after the other through nflink and through the real program: both take and refuse the same ones, and hold the same.
// The same commands in one transaction come to the same.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Iptables, NetfilterError } from '../../lib/index.ts';
import { type Backend, backends, type IpFamily, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { withNamespace } from '../support/namespace.ts';
import { type Verbs, verbsOf } from './forms.ts';

type Transaction = ReturnType<Iptables['transaction']>;

/** A command three ways; `words` are the real program's. */
interface Command {
  readonly words: readonly string[];
  readonly verb: (ipt: Verbs) => Promise<unknown>;
  readonly push: (tx: Transaction) => unknown;
  readonly renames?: true;
}

const T = 'filter';
const chainName = fc.constantFrom('INPUT', 'FORWARD', 'A', 'B', 'C');
const userChain = fc.constantFrom('A', 'B', 'C');
const number = fc.integer({ min: 1, max: 4 });
/** Few enough that deleting finds some, and that chains are jumped to. */
const ruleWords = fc.constantFrom<readonly string[]>(
  ['-j', 'A'],
  ['-j', 'B'],
  ['-p', 'tcp', '-g', 'C'],
  ['-p', 'tcp', '--dport', '22', '-j', 'ACCEPT'],
  ['-m', 'comment', '--comment', `a "b' -j DROP`, '-j', 'RETURN'],
  ['!', '-i', 'eth+', '-j', 'DROP'],
  ['-m', 'mark', '!', '--mark', '0x1/0xff'],
);

const newChain = (c: string): Command => ({ words: ['-N', c], verb: (i) => i.newChain(T, c), push: (t) => t.newChain(c) });

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(chainName, ruleWords)
      .map(([c, r]): Command => ({ words: ['-A', c, ...r], verb: (i) => i.append(T, c, r), push: (t) => t.append(c, r) })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(chainName, number, ruleWords)
      .map(([c, n, r]): Command => ({ words: ['-I', c, `${n}`, ...r], verb: (i) => i.insert(T, c, n, r), push: (t) => t.insert(c, n, r) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(chainName, number, ruleWords)
      .map(
        ([c, n, r]): Command => ({ words: ['-R', c, `${n}`, ...r], verb: (i) => i.replace(T, c, n, r), push: (t) => t.replace(c, n, r) }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(chainName, ruleWords)
      .map(([c, r]): Command => ({ words: ['-D', c, ...r], verb: (i) => i.delete(T, c, r), push: (t) => t.delete(c, r) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(chainName, number)
      .map(([c, n]): Command => ({ words: ['-D', c, `${n}`], verb: (i) => i.deleteAt(T, c, n), push: (t) => t.deleteAt(c, n) })),
  },
  {
    weight: 6,
    arbitrary: userChain.map(newChain),
  },
  {
    weight: 1,
    arbitrary: chainName.map((c): Command => ({ words: ['-F', c], verb: (i) => i.flushChain(T, c), push: (t) => t.flushChain(c) })),
  },
  { weight: 1, arbitrary: fc.constant<Command>({ words: ['-F'], verb: (i) => i.flushChain(T), push: (t) => t.flushChain() }) },
  {
    weight: 1,
    arbitrary: userChain.map((c): Command => ({ words: ['-X', c], verb: (i) => i.deleteChain(T, c), push: (t) => t.deleteChain(c) })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(userChain, userChain).map(
      ([c, to]): Command => ({
        words: ['-E', c, to],
        verb: (i) => i.renameChain(T, c, to),
        push: (t) => t.renameChain(c, to),
        renames: true,
      }),
    ),
  },
);

/** Whether it was taken; what is refused is refused as not applied. */
async function taken(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (err) {
    assert.ok(err instanceof NetfilterError && err.outcome === 'not-applied', String(err));
    return false;
  }
}

async function compare(backend: Backend, family: IpFamily, commands: readonly Command[]): Promise<void> {
  const programs = new Programs(backend, family);
  await withNamespace(async (ns) => {
    await withNamespace(async (twin) => {
      const ipt = await Iptables.open({ family, backend, netns: ns.path });
      try {
        const forms = [verbsOf(ipt, 'promise'), verbsOf(ipt, 'sync')] as const;
        const done: Command[] = [];
        for (const [i, c] of commands.entries()) {
          const ours = await taken(c.verb(forms[i % 2 === 0 ? 0 : 1]));
          const real = await programs.run(twin, ...c.words);
          assert.equal(ours, real.code === 0, `${c.words.join(' ')}: ${real.stderr}`);
          if (ours) done.push(c);
        }
        const state = await programs.state(ns);
        assert.deepEqual(state, await programs.state(twin));
        // On nf_tables a name that was given away is free after the commit only.
        if (backend === 'nft' && done.some((c) => c.renames)) return;
        await withNamespace(async (third) => {
          const fresh = await Iptables.open({ family, backend, netns: third.path });
          const tx = fresh.transaction(T);
          for (const c of done) c.push(tx);
          await tx.commit();
          assert.deepEqual(await programs.state(third), state, 'in one transaction');
          await fresh.close();
        });
      } finally {
        await ipt.close();
      }
    });
  });
}

for (const backend of backends) {
  for (const family of ipFamilies) {
    it(`random commands on ${backend} ${family}`, async () => {
      // Two chains first: most of what follows would be refused otherwise.
      const sequences = fc.array(command, { minLength: 5, maxLength: 15 }).map((more) => [newChain('A'), newChain('B'), ...more]);
      await fc.assert(
        fc.asyncProperty(sequences, async (commands) => await compare(backend, family, commands)),
        { numRuns: 15, endOnFailure: true, seed: 11 },
      );
    });
  }
}
