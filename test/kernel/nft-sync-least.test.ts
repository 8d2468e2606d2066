// No more is touched than has to be: rules by an independent longest common subsequence, elements by what nft lists of them, both as the kernel announces what was done.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommitEvent, NftEvent, NftRule, Subscription } from '../../lib/index.ts';
import { nextCommit } from '../support/events.ts';
import { NftFixture } from '../support/nft.ts';
import { Random } from '../support/random.ts';

const TIMES = 40;
const SEED = 7;

/** How long the longest common subsequence is: the textbook's table, nothing of the planner's. */
function commonLength(a: readonly unknown[], b: readonly unknown[]): number {
  let above: number[] = new Array(b.length + 1).fill(0);
  for (const x of a) {
    const row = [0];
    for (const [j, y] of b.entries()) row.push(x === y ? (above[j] as number) + 1 : Math.max(above[j + 1] as number, row[j] as number));
    above = row;
  }
  return above.at(-1) as number;
}

/** What one commit has added and deleted of a kind. */
function counted({ changes }: CommitEvent, kind: 'rule' | 'element' | 'set' | 'chain'): { added: number; deleted: number } {
  const of = changes.filter(({ object }) => kind in object);
  const sum = (verb: 'add' | 'delete'): number =>
    of
      .filter((change) => change.verb === verb)
      .reduce(
        (total, { object }) =>
          total + (kind === 'element' ? (object as unknown as { element: { elem: unknown[] } }).element.elem.length : 1),
        0,
      );
  return { added: sum('add'), deleted: sum('delete') };
}

async function become(
  f: NftFixture,
  g: NftFixture,
  events: Subscription<NftEvent>,
): Promise<{ readonly report: Awaited<ReturnType<NftFixture['nft']['sync']>>; readonly commit: CommitEvent | undefined }> {
  const before = (await f.nft.snapshot()).generation;
  const report = await f.nft.sync(await g.nft.snapshot());
  return { report, commit: report.generation === before ? undefined : await nextCommit(events) };
}

/** Rules of few kinds, or of many: with repetitions and without. */
function sequence(random: Random): number[] {
  const kinds = random.pick([3, 10, 1000]);
  return Array.from({ length: random.below(40) }, () => 1 + random.below(kinds));
}

test(`rules: ${TIMES} random sequences, each from the one before`, async () => {
  const random = new Random(SEED);
  await using f = await NftFixture.withChains('c');
  await using events = f.nft.events({ kinds: ['commit'] });
  let old: number[] = [];
  let [packets, rules]: [Map<bigint, bigint>, readonly NftRule[]] = [new Map(), []];
  for (let time = 0; time < TIMES; time++) {
    const wanted = random.chance(0.5)
      ? sequence(random)
      : old.flatMap((n) => (random.chance(0.2) ? [] : random.chance(0.2) ? [n, 5] : [n]));
    await using g = await NftFixture.create();
    const text = wanted.map((n, i) => `tcp dport ${n} counter packets ${i + 1 + time * 100} bytes 1`).join('\n');
    g.must('nft', ['-f', '-'], { input: `table ip t {\nchain c {\n${text}\n}\n}\n` });
    const { report, commit } = await become(f, g, events);
    const common = commonLength(old, wanted);
    assert.equal(report.kept, common);
    const done = commit === undefined ? { added: 0, deleted: 0 } : counted(commit, 'rule');
    assert.deepEqual(done, { added: wanted.length - common, deleted: old.length - common });
    assert.deepEqual([report.added + report.moved, report.removed + report.moved], [done.added, done.deleted]);
    rules = (await f.nft.snapshot()).table('ip', 't')?.chain('c')?.rules ?? [];
    assert.deepEqual(
      rules.map(
        ({ expressions }) =>
          ((expressions[3] as { data: Uint8Array }).data[0] as number) * 256 + ((expressions[3] as { data: Uint8Array }).data[1] as number),
      ),
      wanted,
    );
    for (const { handle, counter } of rules) assert.equal(counter?.packets, packets.get(handle) ?? 0n);
    // So that what is kept is told from what begins anew.
    const tx = f.nft.transaction();
    for (const rule of rules)
      tx.replace({
        rule: {
          family: 'ip',
          table: 't',
          chain: 'c',
          handle: rule.handle,
          expressions: rule.expressions.map((e) => (e.type === 'counter' ? { ...e, packets: rule.handle } : e)),
        },
      });
    if (tx.length > 0) {
      await tx.commit();
      await nextCommit(events);
    }
    packets = new Map(rules.map(({ handle }) => [handle, handle]));
    old = wanted;
  }
});

interface Kind {
  readonly head: string;
  readonly draw: (random: Random) => string;
  /** Kernel's elements of a listed one. */
  readonly parts: number;
}
const address = (random: Random): string => `10.0.0.${1 + random.below(60)}`;
const kinds: Readonly<Record<string, Kind>> = {
  addresses: { head: 'set s { type ipv4_addr;', draw: address, parts: 1 },
  'addresses with comments': {
    head: 'set s { type ipv4_addr;',
    draw: (random) => `${address(random)} comment "${random.pick(['a', 'b'])}"`,
    parts: 1,
  },
  // None touches another: what nft would write as one is left out.
  ranges: { head: 'set s { type ipv4_addr; flags interval;', draw: (random) => range(random), parts: 2 },
  concatenations: {
    head: 'set s { type ipv4_addr . inet_service;',
    draw: (random) => `${address(random)} . ${1 + random.below(2)}`,
    parts: 1,
  },
  'concatenated ranges': {
    head: 'set s { type ipv4_addr . inet_service; flags interval;',
    draw: (random) => `${range(random)} . 5-${6 + random.below(2)}`,
    parts: 1,
  },
  'a map': { head: 'map s { type ipv4_addr : mark;', draw: (random) => `${address(random)} : ${random.below(2)}`, parts: 1 },
  'a map of ranges to verdicts': {
    head: 'map s { type ipv4_addr : verdict; flags interval;',
    draw: (random) => `${range(random)} : ${random.pick(['accept', 'drop'])}`,
    parts: 2,
  },
};
function range(random: Random): string {
  const from = random.below(40);
  return `10.0.${from}.1-10.0.${from}.${2 + random.below(2)}`;
}
/** What an element is found by where its key is a range that could overlap another's. */
const keyOf = (element: string): string => element.split(/-| \. | :| comment/)[0] as string;

for (const [name, { head, draw, parts }] of Object.entries(kinds)) {
  test(`elements of ${name}: random ones, each from those before`, async () => {
    const random = new Random(SEED);
    await using f = await NftFixture.create();
    f.must('nft', ['-f', '-'], { input: `table ip t { ${head} }; }\n` });
    await using events = f.nft.events({ kinds: ['commit'] });
    let old = new Set<string>();
    for (let time = 0; time < TIMES / 2; time++) {
      const drawn = [
        ...(random.chance(0.7) ? [...old].filter(() => random.chance(0.8)) : []),
        ...Array.from({ length: random.below(25) }, () => draw(random)),
      ];
      const wanted = new Set(new Map(drawn.map((e) => [keyOf(e), e])).values());
      await using g = await NftFixture.create();
      const elements = wanted.size === 0 ? '' : `elements = { ${[...wanted].join(', ')} }`;
      g.must('nft', ['-f', '-'], { input: `table ip t { ${head} ${elements} }; }\n` });
      const { report, commit } = await become(f, g, events);
      const kept = [...wanted].filter((e) => old.has(e)).length;
      assert.deepEqual(report.elements, { added: wanted.size - kept, removed: old.size - kept, refreshed: 0, kept });
      const done = commit === undefined ? { added: 0, deleted: 0 } : counted(commit, 'element');
      assert.deepEqual(done, { added: (wanted.size - kept) * parts, deleted: (old.size - kept) * parts });
      assert.ok((await f.nft.plan(await g.nft.snapshot())).empty);
      old = wanted;
    }
  });
}
