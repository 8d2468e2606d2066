// Every ruleset of test/fixtures/nft, loaded by the real nft, read by nflink and made again in a namespace where nothing was:
// nft lists both alike, and the kernel dumps both alike, byte for byte. Then the same by way of JSON.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nftables } from '../../lib/index.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { devicesOf, nftFixturePath, nftFixtures } from '../support/nft-fixtures.ts';
import { rawRuleset } from '../support/raw-dump.ts';

/** How many rulesets are copied side by side: most of the time is spent in programs. */
const SIDE_BY_SIDE = 4;

async function withDevices(name: string, fn: (ns: TestNamespace) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    // Any kind of device will do; a bridge needs no module that is often left out.
    const commands = devicesOf(name).map((device) => `link add ${device} type bridge\n`);
    if (commands.length > 0) await ns.must('ip', ['-batch', '-'], { input: commands.join('') });
    await fn(ns);
  });
}

async function withNft<T>(ns: TestNamespace, fn: (nft: Nftables) => Promise<T>): Promise<T> {
  const nft = await Nftables.open({ netns: ns.path });
  try {
    return await fn(nft);
  } finally {
    await nft.close();
  }
}

/** What nft lists. What is left of elements' time runs: it is apart. */
interface Listing {
  readonly text: string;
  /** Milliseconds left, element by element. */
  readonly left: readonly number[];
  /** Milliseconds since this process began, just before and just after. */
  readonly before: number;
  readonly after: number;
}
const unit: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

async function listing(ns: TestNamespace): Promise<Listing> {
  const before = performance.now();
  const listed = await ns.must('nft', ['list', 'ruleset']);
  const after = performance.now();
  const left: number[] = [];
  const text = listed.replace(/\bexpires (\w+)/g, (_, time: string) => {
    left.push([...time.matchAll(/(\d+)(ms|[dhms])/g)].reduce((sum, [, n, u]) => sum + Number(n) * (unit[u ?? ''] ?? Number.NaN), 0));
    return 'expires (some time)';
  });
  return { text, left, before, after };
}

/** The kernel counts such times in ticks, of 10 ms at most, and each reading may round. */
const TICKS = 50;

/** The copy's elements have what was left in the original, less at most the time that went by. */
function assertTimesKept(first: Listing, second: Listing): void {
  const gone = second.after - first.before;
  assert.equal(second.left.length, first.left.length);
  for (const [i, left] of first.left.entries()) {
    const lost = left - (second.left[i] ?? Number.NaN);
    assert.ok(lost >= -TICKS && lost <= gone + TICKS, `element ${i} had ${left} ms, its copy ${lost} ms less after ${gone} ms`);
  }
}

/** Makes `snapshot` in a new namespace and compares all of it with `first`. */
async function compareCopy(name: string, snapshot: unknown, first: TestNamespace, listed: Listing): Promise<void> {
  const raw = rawRuleset(first.path, { counters: true });
  await withDevices(name, async (second) => {
    await withNft(second, (nft) => nft.restore(snapshot, { counters: true }));
    const copied = await listing(second);
    assert.equal(copied.text, listed.text);
    assertTimesKept(listed, copied);
    assert.deepEqual(rawRuleset(second.path, { counters: true }), raw);
  });
}

/** Elements that count no connection are collected a second after their set was made (nft_rhash_gc): a slow machine begins again. */
const TRIES = 10;

/** Whether all was compared; false: the kernel has changed what was to be compared. */
async function compareCopies(name: string): Promise<boolean> {
  let whole = true;
  await withDevices(name, async (first) => {
    await first.must('nft', ['-f', nftFixturePath(name)]);
    const listed = await listing(first);
    assert.notEqual(listed.text, '', 'nft loaded nothing');
    try {
      const snapshot = await withNft(first, (nft) => nft.snapshot());
      await compareCopy(name, snapshot, first, listed);
      await compareCopy(name, JSON.parse(JSON.stringify(snapshot)), first, listed);
    } catch (err) {
      if ((await listing(first)).text === listed.text) throw err;
      whole = false;
    }
  });
  return whole;
}

describe('a ruleset of the real nft, copied', { concurrency: SIDE_BY_SIDE }, () => {
  for (const name of nftFixtures) {
    it(name, async () => {
      for (let left = TRIES; !(await compareCopies(name)); left--) assert.ok(left > 0, 'what was to be compared changed with every try');
    });
  }
});
