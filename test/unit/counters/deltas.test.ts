// Deltas: exact for what is surely the same rule, never negative, never more than was counted, and marked where it may be less.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RuleDeltas } from '../../../lib/counters/deltas.ts';
import { CounterLedger, chainsOf } from '../../../lib/counters/ledger.ts';
import { tableKey } from '../../../lib/counters/rows.ts';
import { deltas, type ModelChain, type ModelRule, poll } from '../../support/counter-models.ts';

const A = 1n;
const B = 2n;
const C = 3n;
const TOP = (1n << 64n) - 1n;

const rule = (content: bigint, packets: number | bigint, handle?: number, bytes: number | bigint = BigInt(packets) * 100n): ModelRule => ({
  content,
  packets: BigInt(packets),
  bytes: BigInt(bytes),
  ...(handle === undefined ? {} : { handle: BigInt(handle) }),
});
const chain = (rules: readonly ModelRule[], name = 'c', table = 't'): ModelChain => ({ table, name, rules });
const place = (name = 'c', table = 't') => ({ family: 'ip', table, chain: name }) as const;
const none = new CounterLedger();

/** One chain of rules each, before and after. */
function nft(before: readonly ModelRule[], after: readonly ModelRule[]): string[] {
  return deltas(poll([chain(before)], { handles: true }), poll([chain(after)], { handles: true }), none);
}
function legacy(before: readonly ModelRule[], after: readonly ModelRule[]): string[] {
  return deltas(poll([chain(before)], { handles: false }), poll([chain(after)], { handles: false }), none);
}

describe('with handles', () => {
  it('a rule that stays is exact wherever it stands', () => {
    assert.deepEqual(nft([rule(A, 5, 1), rule(B, 7, 2)], [rule(B, 9, 2), rule(A, 5, 1)]), ['2/200', '0/0']);
  });
  it('alike rules are told apart by their handles', () => {
    assert.deepEqual(nft([rule(A, 5, 1), rule(A, 100, 2)], [rule(A, 103, 2), rule(A, 5, 1)]), ['3/300', '0/0']);
    // One has gone and one come: the new one may be somebody's restore of the old.
    assert.deepEqual(nft([rule(A, 5, 1), rule(A, 100, 2)], [rule(A, 103, 2), rule(A, 7, 3)]), ['3/300', '2/200 lower-bound']);
    assert.deepEqual(nft([rule(A, 5, 1), rule(A, 100, 2)], [rule(A, 103, 2), rule(A, 1, 3)]), ['3/300', '1/100 lower-bound']);
  });
  it('the same handle with another content was replaced: what is surely the new rule’s, marked', () => {
    assert.deepEqual(nft([rule(A, 5, 1)], [rule(B, 3, 1)]), ['3/300 lower-bound']);
    // It may be the same one, whose jump leads to a chain with another name now.
    assert.deepEqual(nft([rule(A, 1000, 1)], [rule(B, 1003, 1)]), ['3/300 lower-bound']);
  });
  it('a new rule counts from zero', () => {
    assert.deepEqual(nft([rule(A, 5, 1)], [rule(A, 6, 1), rule(B, 4, 2)]), ['1/100', '4/400 new']);
  });
  it('the rules of another table with the same handles are others', () => {
    const before = poll([chain([rule(A, 5, 1)], 'c', 't'), chain([rule(A, 500, 1)], 'c', 'u')], { handles: true });
    const after = poll([chain([rule(A, 6, 1)], 'c', 't'), chain([rule(A, 502, 1), rule(B, 0, 2)], 'c', 'u')], { handles: true });
    assert.deepEqual(deltas(before, after, none), ['1/100', '2/200', '0/0 new']);
  });
  it('a chain that has another name has the same rules', () => {
    const before = poll([chain([rule(A, 5, 1)], 'c')], { handles: true });
    assert.deepEqual(deltas(before, poll([chain([rule(A, 8, 1)], 'd')], { handles: true }), none), ['3/300']);
  });
  it('a table made anew numbers its rules again: a handle of another chain says nothing', () => {
    const before = poll([chain([rule(A, 5, 1)], 'c'), chain([rule(B, 500, 2)], 'd')], { handles: true });
    const after = poll([chain([rule(A, 6, 2)], 'c'), chain([rule(B, 500, 1)], 'd')], { handles: true });
    assert.deepEqual(deltas(before, after, none), ['1/100 lower-bound', '0/0 lower-bound']);
  });
  it('a table with another handle, or with none that is known, may be another with the same rules', () => {
    const at = (n: number, ...handle: number[]) =>
      poll([chain([rule(A, n, 1)])], {
        handles: true,
        tables: new Map(handle.map((h) => [tableKey({ family: 'ip', table: 't' }), BigInt(h)])),
      });
    assert.deepEqual(deltas(at(100, 7), at(500, 7), none), ['400/40000']);
    for (const [before, after] of [
      [[7], [8]],
      [[7], []],
      [[], [7]],
      [[], []],
    ] as const)
      assert.deepEqual(deltas(at(100, ...before), at(500, ...after), none), ['400/40000 lower-bound']);
  });
  it('a chain that comes and goes', () => {
    const one = poll([chain([rule(A, 5, 1)])], { handles: true });
    const two = poll([chain([rule(A, 6, 1)]), chain([rule(B, 2, 2)], 'd')], { handles: true });
    const empty = poll([], { handles: true });
    assert.deepEqual(deltas(one, two, none), ['1/100', '2/200 new']);
    assert.deepEqual(deltas(two, one, none).length, 1);
    assert.deepEqual(deltas(two, empty, none), []);
    assert.deepEqual(deltas(empty, two, none), ['6/600 new', '2/200 new']);
  });
  it('rules that count nothing have no delta', () => {
    const rules = [rule(A, 5, 1), { ...rule(B, 0, 2), counts: false }, rule(C, 1, 3)];
    assert.deepEqual(nft(rules, rules), ['0/0', '0/0']);
  });
  it('gone back is a reset: what was counted since', () => {
    assert.deepEqual(nft([rule(A, 50, 1)], [rule(A, 3, 1)]), ['3/300 reset']);
    assert.deepEqual(nft([rule(A, 50, 1, 5000)], [rule(A, 51, 1, 60)]), ['51/60 reset'], 'either of the two tells');
  });
});

describe('without handles', () => {
  it('position and content: moves, and others that come between', () => {
    assert.deepEqual(legacy([rule(A, 5), rule(B, 7)], [rule(C, 1), rule(B, 9), rule(A, 5)]), ['1/100 new', '2/200', '0/0']);
  });
  it('as many alike as there were: the n-th is the n-th', () => {
    assert.deepEqual(legacy([rule(A, 5), rule(A, 100)], [rule(A, 6), rule(A, 102)]), ['1/100', '2/200']);
  });
  it('one of several alike has gone: nothing that another had counted becomes its delta', () => {
    assert.deepEqual(legacy([rule(A, 0), rule(A, 1000)], [rule(A, 1001)]), ['1/100 lower-bound']);
    assert.deepEqual(legacy([rule(A, 1000), rule(A, 0)], [rule(A, 4)]), ['0/0 lower-bound']);
    assert.deepEqual(legacy([rule(A, 1000)], [rule(A, 1002), rule(A, 5)]), ['2/200 lower-bound', '0/0 lower-bound']);
  });
  it('one of several alike went back: which one it is cannot be told, in the same structure too', () => {
    const before = poll([chain([rule(A, 0), rule(A, 1000), rule(B, 4)])], { handles: false });
    const after = (steady: boolean): string[] =>
      deltas(
        before,
        poll([chain([rule(A, 1000), rule(A, 2), rule(B, 5)])], { handles: false, ...(steady ? { steady: before } : {}) }),
        none,
      );
    for (const steady of [true, false]) assert.deepEqual(after(steady), ['0/0 lower-bound', '0/0 reset', '1/100']);
  });
});

describe('a chain that has another name, without handles', () => {
  const [jumpC, jumpD] = [101n, 102n];
  const before = poll([chain([rule(jumpC, 500), rule(B, 9)], 'i'), chain([rule(A, 500)], 'c')], { handles: false });
  it('may have the same rules, and who jumps to it may be who jumped to it', () => {
    const after = poll([chain([rule(jumpD, 503), rule(B, 9)], 'i'), chain([rule(A, 503)], 'd')], { handles: false });
    assert.deepEqual(deltas(before, after, none), ['3/300 lower-bound', '0/0', '3/300 lower-bound']);
  });
  it('or be another with the same rules: what it counts is marked', () => {
    const after = (n: number) => poll([chain([rule(jumpC, 500), rule(B, 9)], 'i'), chain([rule(A, n)], 'e')], { handles: false });
    assert.deepEqual(deltas(before, after(700), none).slice(2), ['200/20000 lower-bound']);
    assert.deepEqual(deltas(before, after(3), none).slice(2), ['3/300 lower-bound']);
  });
  it('is another chain where several may be it', () => {
    const two = poll([chain([rule(A, 503)], 'd'), chain([rule(A, 1)], 'e')], { handles: false });
    assert.deepEqual(deltas(before, two, none), ['503/50300 new', '1/100 new']);
  });
});

describe('64 bits', () => {
  it('the largest counters are subtracted exactly', () => {
    assert.deepEqual(nft([rule(A, TOP - 7n, 1, TOP - 1n)], [rule(A, TOP, 1, TOP)]), [`7/1`]);
    assert.deepEqual(nft([rule(A, 0, 1, 0)], [rule(A, TOP, 1, TOP)]), [`${TOP}/${TOP}`]);
  });
  it('one that went over 2^64 gives no more than it went over by, and the other one what it went on by', () => {
    assert.deepEqual(nft([rule(A, TOP - 7n, 1, TOP - 7n)], [rule(A, 3, 1, 40)]), ['3/40 reset']);
    assert.deepEqual(nft([rule(A, 1000, 1, TOP - 7n)], [rule(A, 1010, 1, 40)]), ['10/40 reset']);
  });
});

describe('what this process did itself', () => {
  it('our reset before a restore of ours is of the handles there were then', () => {
    const ledger = new CounterLedger();
    ledger.open();
    const before = poll([chain([rule(A, 50, 7), rule(B, 1, 8)])], { handles: true, mark: ledger.mark });
    ledger.add({ kind: 'reset', place: place(), handle: 7n, counter: { packets: 52n, bytes: 5200n } });
    ledger.add({
      kind: 'restore',
      place: place(),
      counters: [
        { packets: 0n, bytes: 0n },
        { packets: 1n, bytes: 100n },
      ],
    });
    ledger.add({ kind: 'reset', place: place(), handle: 8n, counter: { packets: 4n, bytes: 400n } });
    const after = poll([chain([rule(A, 3, 8), rule(B, 1, 7)])], { handles: true, mark: ledger.mark });
    assert.deepEqual(deltas(before, after, ledger), ['9/900', '0/0']);
  });
  it('our own reset is added, in its table only', () => {
    const ledger = new CounterLedger();
    ledger.open();
    const both = (a: number, b: number, mark: number) =>
      poll([chain([rule(A, a, 1)], 'c', 't'), chain([rule(A, b, 1)], 'c', 'u')], { handles: true, mark });
    const before = both(50, 50, ledger.mark);
    ledger.add({ kind: 'reset', place: place(), handle: 1n, counter: { packets: 52n, bytes: 5200n } });
    ledger.add({ kind: 'reset', place: place(), handle: 1n, counter: { packets: 4n, bytes: 400n } });
    assert.deepEqual(deltas(before, both(3, 51, ledger.mark), ledger), ['9/900', '1/100']);
    // The same between two later polls is not there again.
    assert.deepEqual(deltas(both(3, 51, ledger.mark), both(4, 51, ledger.mark), ledger), ['1/100', '0/0']);
  });
  it('a reset of a rule that was replaced after it', () => {
    const ledger = new CounterLedger();
    ledger.open();
    const before = poll([chain([rule(A, 50, 1)])], { handles: true, mark: ledger.mark });
    ledger.add({ kind: 'reset', place: place(), handle: 1n, counter: { packets: 50n, bytes: 5000n } });
    const [delta] = deltas(before, poll([chain([rule(B, 2, 1)])], { handles: true, mark: ledger.mark }), ledger);
    assert.match(delta ?? '', /^2\/200 lower-bound$/);
  });
  for (const handles of [true, false]) {
    const restored = (was: number, first: number, now: number): string => {
      const ledger = new CounterLedger();
      ledger.open();
      const before = poll([chain([rule(A, was, 9), rule(B, 1, 10)])], { handles, mark: ledger.mark });
      const counter = (n: number) => ({ packets: BigInt(n), bytes: BigInt(n) * 100n });
      ledger.add({ kind: 'restore', place: place(), counters: [counter(first), counter(1)] });
      // Handles that were other rules' before.
      return deltas(before, poll([chain([rule(A, now, 10), rule(B, 1, 9)])], { handles, mark: ledger.mark }), ledger)[0] ?? '';
    };
    it(`our own restore ${handles ? 'with' : 'without'} handles: with the counters, from zero, and with more than there was`, () => {
      assert.equal(restored(10, 12, 15), '5/500');
      assert.equal(restored(10, 0, 3), '3/300 reset');
      assert.equal(restored(10, 0, 30), '30/3000 reset', 'all of it was counted since');
      assert.equal(restored(10, 4, 6), '2/200 reset');
      assert.equal(restored(0, 0, 6), '6/600');
    });
  }
  it('what a rule had right before our restore is known: any counters, one restore or several; marked where it was counting', () => {
    const across = (...polls: (readonly [had: number, gave: number])[]) => {
      const ledger = new CounterLedger();
      ledger.open();
      const before = poll([chain([rule(A, 50, 1), rule(B, 5, 2)])], { handles: true, mark: ledger.mark });
      const counter = (n: number) => ({ packets: BigInt(n), bytes: BigInt(n) * 100n });
      for (const [had, gave] of polls)
        ledger.add({
          kind: 'restore',
          place: place(),
          counters: [counter(gave), counter(5)],
          before: chainsOf(poll([chain([rule(A, had, 7), rule(B, 5, 8)])], { handles: true })).of(place()),
        });
      const last = polls.at(-1)?.[1] ?? 0;
      return deltas(before, poll([chain([rule(A, last + 3, 1), rule(B, 5, 2)])], { handles: true, mark: ledger.mark }), ledger);
    };
    assert.deepEqual(across([50, 7]), ['3/300', '0/0']);
    assert.deepEqual(across([50, 9000]), ['3/300', '0/0']);
    assert.deepEqual(across([54, 54]), ['7/700', '0/0']);
    assert.deepEqual(across([54, 52]), ['7/700 lower-bound', '0/0']);
    assert.deepEqual(across([50, 7], [9, 9], [9, 0]), ['5/500', '0/0']);
    assert.deepEqual(across([50, 7], [9, 1]), ['5/500 lower-bound', '0/0']);
    // Not made by the first restore, and given a count by somebody since: the second is no restore of what the first has made.
    const ledger = new CounterLedger();
    ledger.open();
    const counter = (n: number) => ({ packets: BigInt(n), bytes: BigInt(n) * 100n });
    const two = (b: number) => poll([chain([rule(A, 5, 1), rule(B, b, 2)])], { handles: true, mark: ledger.mark });
    const first = two(10);
    const had = (b: number) => chainsOf(two(b)).of(place());
    ledger.add({ kind: 'restore', place: place(), counters: [counter(5)], before: had(10) });
    ledger.add({ kind: 'restore', place: place(), counters: [counter(5), counter(500)], before: had(500) });
    assert.deepEqual(deltas(first, two(500), ledger), ['0/0 lower-bound', '0/0 lower-bound']);
    // Somebody has put it back before we looked: what there was is not known.
    assert.deepEqual(across([4, 0]), ['3/300 lower-bound', '0/0']);
  });
  it('a rule that came behind those of our restore is no rule of it', () => {
    const ledger = new CounterLedger();
    ledger.open();
    const before = poll([chain([rule(A, 50, 1)])], { handles: true, mark: ledger.mark });
    ledger.add({ kind: 'restore', place: place(), counters: [{ packets: 52n, bytes: 5200n }] });
    const after = poll([chain([rule(A, 52, 1), rule(B, 100, 2)])], { handles: true, mark: ledger.mark });
    assert.deepEqual(deltas(before, after, ledger), ['2/200', '48/4800 lower-bound']);
  });
  it('a rule that our restore made new counts from what it was given', () => {
    const ledger = new CounterLedger();
    ledger.open();
    const before = poll([chain([rule(A, 1, 1)])], { handles: true, mark: ledger.mark });
    ledger.add({ kind: 'restore', place: place(), counters: [undefined, { packets: 1000n, bytes: 5000n }] });
    const after = poll([chain([rule(A, 1, 1), rule(B, 1002, 2, 5100)])], { handles: true, mark: ledger.mark });
    assert.deepEqual(deltas(before, after, ledger), ['0/0', '2/100 lower-bound'], 'or another has come since');
  });
});

it('rates are of the time between the two polls', () => {
  const [one, two] = [poll([chain([rule(A, 0, 1)])], { handles: true }), poll([chain([rule(A, 50, 1)])], { handles: true })];
  const [delta] = [...new RuleDeltas(one, two, none)];
  assert.deepEqual([delta?.packetsPerSecond, delta?.bytesPerSecond, delta?.rule.index], [50, 5000, 0]);
});

/** What happens to a chain between two polls, each with the truth of what was counted. */
interface Step {
  readonly do: 'count' | 'add' | 'delete' | 'reset' | 'replace' | 'own reset' | 'own restore' | 'own restore anew' | 'restore' | 'poll';
  readonly at: number;
  readonly by: number;
}
const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom(
    'count',
    'count',
    'count',
    'add',
    'delete',
    'reset',
    'replace',
    'own reset',
    'own restore',
    'own restore anew',
    'restore',
    'poll',
    'poll',
  ),
  at: fc.nat(20),
  by: fc.integer({ min: 1, max: 50 }),
});

interface Live {
  content: bigint;
  handle: bigint;
  counter: bigint;
  /** What it has counted in all, whatever was put back. */
  truth: bigint;
  /** All deltas seen of it, and whether any said that something may lack. */
  seen: bigint;
  marked: boolean;
  /** Something of it may be lost, so that less is right. */
  lost: boolean;
  /** It counted just before it was given another count: it may be marked all the same. */
  doubted: boolean;
  /** A poll has been made since it came. */
  polled: boolean;
}

/** `alike`: how many contents there are for all rules; undefined: each rule its own. */
function history(
  handles: boolean,
  steps: readonly Step[],
  alike: number | undefined,
): { seen: bigint; total: bigint; live: readonly Live[] } {
  const ledger = new CounterLedger();
  const reader = ledger.open();
  let live: Live[] = [];
  let handle = 1n;
  let made = 0;
  let [total, seen] = [0n, 0n];
  let restored: 'restored' | 'and reset' | undefined;
  /** Since the last poll: a restore that gave other counters than there were, and whether anything but counting and such restores happened. */
  let [anew, changed] = [false, false];
  const make = (): Live => {
    const content = BigInt(alike === undefined ? made : made % alike);
    made++;
    return { content, handle: handle++, counter: 0n, truth: 0n, seen: 0n, marked: false, lost: false, doubted: false, polled: false };
  };
  const look = () => {
    const rules = live.map((r) => ({ content: r.content, packets: r.counter, bytes: r.counter * 7n, handle: r.handle }));
    return poll([chain(rules)], { handles, mark: ledger.mark });
  };
  const had = () => chainsOf(look()).of(place());
  const take = () => {
    for (const r of live) r.polled = true;
    return look();
  };
  for (let i = 0; i < 3; i++) live.push(make());
  let last = take();
  const polled = (): void => {
    if (anew && changed) for (const r of live) r.lost = true;
    [anew, changed] = [false, false];
    const now = take();
    for (const [row, d] of [...new RuleDeltas(last, now, ledger)].entries()) {
      const r = live[row] as Live;
      assert.ok(d.packets >= 0n && d.bytes >= 0n && d.packets < 1n << 32n);
      r.seen += d.packets;
      r.marked ||= d.note !== undefined && d.note !== 'new';
      seen += d.packets;
    }
    last = now;
    restored = undefined;
    ledger.advance(reader, now.mark);
  };
  for (const s of steps) {
    const r = live[s.at % Math.max(1, live.length)];
    if (s.do !== 'count' && s.do !== 'own restore anew') changed = true;
    if (s.do === 'poll') polled();
    else if (s.do === 'add') live.splice(s.at % (live.length + 1), 0, { ...make(), lost: restored !== undefined });
    else if (r === undefined) continue;
    else if (s.do === 'own restore anew') {
      const before = had();
      const counters = live.map((_, i) => ({ packets: BigInt((s.by * i) % 7), bytes: BigInt((s.by * i) % 7) * 7n }));
      ledger.add({ kind: 'restore', place: place(), counters, before });
      handle = 1n;
      for (const [i, x] of live.entries()) {
        x.handle = handle++;
        const { packets } = counters[i] as { packets: bigint };
        x.doubted ||= packets !== x.counter;
        x.counter = packets;
        x.lost ||= !x.polled;
      }
      anew = true;
      restored = 'restored';
    } else if (s.do === 'count') {
      r.counter += BigInt(s.by);
      r.truth += BigInt(s.by);
      total += BigInt(s.by);
    } else if (s.do === 'delete') live = live.filter((x) => x !== r);
    else if (s.do === 'replace') {
      const other = make();
      live[live.indexOf(r)] = { ...other, handle: r.handle, lost: true };
    } else if (s.do === 'reset') {
      r.counter = 0n;
      r.lost = true;
    } else if (s.do === 'own reset') {
      if (!handles) continue;
      ledger.add({ kind: 'reset', place: place(), handle: r.handle, counter: { packets: r.counter, bytes: r.counter * 7n } });
      r.counter = 0n;
      // What a reset read of a rule that no poll has seen is nobody's.
      r.lost ||= !r.polled;
      if (restored === 'restored') restored = 'and reset';
    } else {
      // Our own restore is with the counters, another's without; either numbers the rules anew.
      const own = s.do === 'own restore';
      // A foreign one gives the handles of our resets between the same two polls to other rules: then the sum of all is right, and no more.
      if (!own && alike === undefined) polled();
      if (!own) restored = 'restored';
      handle = 1n;
      for (const x of live) {
        x.handle = handle++;
        if (own) continue;
        x.counter = 0n;
        x.lost = true;
      }
      if (!own) {
        if (alike === undefined) polled();
        continue;
      }
      const before = had();
      ledger.add({ kind: 'restore', place: place(), counters: live.map((x) => ({ packets: x.counter, bytes: x.counter * 7n })), before });
      anew = true;
      // What a reset read between two restores was numbered by the first of them.
      if (restored === 'and reset') for (const x of live) x.lost = true;
      restored = 'restored';
      // What it was given is not told from what it counted before.
      for (const x of live) x.lost ||= !x.polled;
    }
  }
  polled();
  return { seen, total, live };
}

describe('random histories', () => {
  for (const handles of [true, false]) {
    const name = `${handles ? 'with' : 'without'} handles`;
    it(`${name}, rules alike: never more than the truth in all`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, alike) => {
          const { seen, total } = history(handles, steps, alike);
          assert.ok(seen <= total, `${seen} of ${total}`);
        }),
        { numRuns: 3000 },
      );
    });
    it(`${name}, every rule another: none has more than the truth, and those that nothing foreign befell have all of it, unmarked`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
          for (const r of history(handles, steps, undefined).live) {
            assert.ok(r.seen <= r.truth, `${r.seen} of ${r.truth}`);
            if (!r.lost) assert.deepEqual([r.seen, r.marked && !r.doubted], [r.truth, false]);
          }
        }),
        { numRuns: 3000 },
      );
    });
  }
});
