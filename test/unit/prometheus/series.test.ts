// What Prometheus makes of our series is what was counted: its own rule for increases, over random histories of rules that come, go, move, are
// reset and made anew, each beside what the rules really counted between polls.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Labelled, type Rows, SeriesBook } from '../../../lib/prometheus/series.ts';

interface Rule {
  readonly id: number;
  readonly label: string;
  /** What the rule says; where absent, its label. */
  readonly content?: number;
  packets: bigint;
}

/** Polls a list of rules as it is now. */
class Polls {
  readonly book: SeriesBook;
  #last = new Map<number, number>();
  #labels: readonly (Labelled | undefined)[] = [];

  constructor(maximum: number) {
    this.book = new SeriesBook(maximum, ['rule']);
  }
  poll(rules: readonly Rule[]): Map<string, bigint> {
    const names = rules.map((r) => r.label);
    const contents = rules.map((r) => String(r.content ?? r.label));
    const labels = names.map((name) => (name === '' ? undefined : this.book.labelled({ rule: name })));
    // As rules.ts does: the same array where no rule changed.
    if (JSON.stringify(labels) !== JSON.stringify(this.#labels)) this.#labels = labels;
    const rows: Rows = {
      labels: this.#labels,
      packets: BigUint64Array.from(rules, (r) => r.packets),
      bytes: BigUint64Array.from(rules, (r) => r.packets * 100n),
      before: Int32Array.from(rules, (r) => this.#last.get(r.id) ?? -1),
      likeness: (row) => contents[row] ?? '',
    };
    this.book.update(rows);
    this.#last = new Map(rules.map((r, row) => [r.id, row]));
    const shown = new Map<string, bigint>();
    for (const { labels: l, packets, bytes } of this.book) {
      const name = l?.['rule'] ?? OTHERS;
      assert.ok(!shown.has(name), `${name} twice`);
      assert.equal(bytes, packets * 100n);
      shown.set(name, packets);
    }
    return shown;
  }
}
const OTHERS = 'others';

/** Prometheus' increase(): a value that is less than the one before began at 0. */
class Increases {
  readonly of = new Map<string, bigint>();
  #last = new Map<string, bigint>();
  scrape(shown: Map<string, bigint>): void {
    for (const [name, value] of shown) {
      const was = this.#last.get(name);
      if (was !== undefined) this.of.set(name, (this.of.get(name) ?? 0n) + (value < was ? value : value - was));
    }
    this.#last = shown;
  }
}

type Step =
  | { readonly kind: 'count'; readonly at: number; readonly packets: number }
  | { readonly kind: 'add'; readonly at: number; readonly label: string }
  | { readonly kind: 'remove'; readonly at: number }
  | { readonly kind: 'relabel'; readonly at: number; readonly label: string }
  | { readonly kind: 'reset'; readonly at: number }
  /** All rules, the other way round, with new identities and what they had counted: iptables-restore -c. */
  | { readonly kind: 'anew' }
  | { readonly kind: 'poll' };

const at = fc.nat(20);
const label = fc.constantFrom('', 'a', 'b', 'c', 'd');
const harmless: fc.Arbitrary<Step>[] = [
  fc.record({ kind: fc.constant('count' as const), at, packets: fc.nat(1000) }),
  fc.record({ kind: fc.constant('add' as const), at, label }),
  fc.record({ kind: fc.constant('remove' as const), at }),
  fc.record({ kind: fc.constant('relabel' as const), at, label }),
  fc.record({ kind: fc.constant('poll' as const) }),
];
const hurtful: fc.Arbitrary<Step>[] = [
  fc.record({ kind: fc.constant('reset' as const), at }),
  fc.record({ kind: fc.constant('anew' as const) }),
];

interface Outcome {
  readonly read: Map<string, bigint>;
  /** What could be seen of what was counted: rules that are there, less what was reset. */
  readonly counted: Map<string, bigint>;
}

/** `apart`: a poll after each change, so that nothing can be taken for what it replaced. */
function play(steps: readonly Step[], maximum: number, apart: boolean): Outcome {
  const polls = new Polls(maximum);
  const increases = new Increases();
  const counted = new Map<string, bigint>();
  let rules: Rule[] = [];
  let next = 0;
  /** By identity: packets since the last poll. */
  const since = new Map<number, bigint>();
  let earlier = new Set<string>();
  const poll = (): void => {
    const shown = polls.poll(rules);
    increases.scrape(shown);
    for (const r of rules) {
      const name = r.label !== '' && shown.has(r.label) ? r.label : OTHERS;
      if (r.label !== '' && earlier.has(name)) counted.set(name, (counted.get(name) ?? 0n) + (since.get(r.id) ?? 0n));
    }
    since.clear();
    earlier = new Set(shown.keys());
  };
  for (const step of steps) {
    if (step.kind === 'poll') poll();
    else if (step.kind === 'add')
      rules.splice(step.at % (rules.length + 1), 0, { id: next, label: step.label, content: next++, packets: 0n });
    else if (step.kind === 'anew') {
      // Nothing else between two polls: a rule that changes its labels as well can't be told from a new one that has counted.
      poll();
      rules = rules.map((r) => ({ ...r, id: next++ })).reverse();
      poll();
    } else {
      const index = step.at % Math.max(1, rules.length);
      const rule = rules[index];
      if (rule === undefined) continue;
      if (step.kind === 'count') {
        rule.packets += BigInt(step.packets);
        since.set(rule.id, (since.get(rule.id) ?? 0n) + BigInt(step.packets));
      } else if (step.kind === 'remove') rules = rules.filter((r) => r !== rule);
      else if (step.kind === 'relabel') rules[index] = { ...rule, label: step.label };
      else {
        rule.packets = 0n;
        since.delete(rule.id);
      }
    }
    if (apart && step.kind !== 'count') poll();
  }
  poll();
  return { read: increases.of, counted };
}

const names = ['a', 'b', 'c', 'd', OTHERS];

describe('series over polls', () => {
  it('lead Prometheus to exactly what was counted while rules come, go and move', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...harmless), { maxLength: 60 }), fc.nat(5), (steps, maximum) => {
        const { read, counted } = play(steps, maximum, true);
        for (const name of names) assert.equal(read.get(name) ?? 0n, counted.get(name) ?? 0n, name);
      }),
      { numRuns: 1000 },
    );
  });

  it('never lead it to more than was counted, whatever was reset or made anew', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...harmless, ...hurtful), { maxLength: 60 }), fc.nat(5), (steps, maximum) => {
        const { read, counted } = play(steps, maximum, false);
        for (const name of names) {
          const [r, c] = [read.get(name) ?? 0n, counted.get(name) ?? 0n];
          assert.ok(r <= c, `${name}: ${r} of ${c}`);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('are the kernel’s own values for one rule each, through a reset and a replacement', () => {
    const polls = new Polls(10);
    const value = (id: number, packets: bigint): bigint | undefined => polls.poll([{ id, label: 'a', packets }]).get('a');
    assert.deepEqual([value(1, 1000n), value(1, 1005n), value(1, 3n), value(2, 1n), value(2, 7n)], [1000n, 1005n, 3n, 1n, 7n]);
  });

  it('go on where a rule has left a sum', () => {
    const polls = new Polls(10);
    const [a, b] = [
      { id: 1, label: 'a', packets: 1000n },
      { id: 2, label: 'a', packets: 50n },
    ];
    assert.equal(polls.poll([a, b]).get('a'), 1050n);
    assert.equal(polls.poll([{ ...b, packets: 53n }]).get('a'), 1053n);
  });

  it('take a rule made anew with its counters for what it was', () => {
    const polls = new Polls(0);
    polls.poll([
      { id: 1, label: 'a', packets: 1000n },
      { id: 2, label: 'b', packets: 5n },
    ]);
    // In another order: told apart by what they are.
    const shown = polls.poll([
      { id: 3, label: 'b', packets: 6n },
      { id: 4, label: 'a', packets: 1010n },
    ]);
    assert.deepEqual(shown, new Map([[OTHERS, 1016n]]));
  });

  it('are at most so many, and those that are there stay', () => {
    const polls = new Polls(2);
    const rule = (name: string, packets: bigint): Rule => ({ id: name.charCodeAt(0), label: name, packets });
    assert.deepEqual([...polls.poll([rule('a', 1n), rule('b', 2n)]).keys()], ['a', 'b']);
    assert.equal(polls.book.leftOut, 0);
    const shown = polls.poll([rule('x', 3n), rule('y', 4n), rule('a', 1n), rule('b', 2n)]);
    assert.deepEqual(
      shown,
      new Map([
        ['a', 1n],
        ['b', 2n],
        [OTHERS, 7n],
      ]),
    );
    assert.equal(polls.book.leftOut, 2);
  });
});
