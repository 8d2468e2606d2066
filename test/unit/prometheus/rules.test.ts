// Rule counters as series: the service is not held up while labels are made, and what they throw leaves the series as they were.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RuleSeries } from '../../../lib/prometheus/rules.ts';
import { type ModelRule, poll } from '../../support/counter-models.ts';

function chainOf(rules: number, packets: bigint): { name: string; rules: ModelRule[] }[] {
  return [
    { name: 'c', rules: Array.from({ length: rules }, (_, i) => ({ content: BigInt(i), handle: BigInt(i + 1), packets, bytes: 0n })) },
  ];
}
const shown = (series: RuleSeries): string[] => [...series.book].map((s) => `${s.labels?.['rule']} ${s.packets}`);

describe('series of rules', () => {
  it('gives the event loop its turns while many labels are made', async () => {
    const series = new RuleSeries(1000, ['rule'], (rule) => {
      // A label that takes a millisecond at least.
      const until = performance.now() + 1;
      while (performance.now() < until);
      return { rule: String(rule.handle) };
    });
    let turns = 0;
    let waiting = setImmediate(function turn() {
      turns++;
      waiting = setImmediate(turn);
    });
    await series.update(poll(chainOf(100, 1n), { handles: true }));
    clearImmediate(waiting);
    assert.ok(turns >= 15, `${turns} turns in 100 labels`);
    assert.equal(shown(series).length, 100);
  });

  it('are as they were where a label throws', async () => {
    let refused = '';
    const series = new RuleSeries(1000, ['rule'], (rule) => {
      if (String(rule.handle) === refused) throw new Error('no label');
      return { rule: String(rule.handle) };
    });
    await series.update(poll(chainOf(2, 5n), { handles: true }));
    assert.deepEqual(shown(series), ['1 5', '2 5']);
    refused = '3';
    await assert.rejects(series.update(poll(chainOf(3, 9n), { handles: true })), { message: 'no label' });
    assert.deepEqual(shown(series), ['1 5', '2 5']);
    refused = '';
    await series.update(poll(chainOf(3, 9n), { handles: true }));
    assert.deepEqual(shown(series), ['1 9', '2 9', '3 9']);
  });

  it('never show what none has counted: one of several alike comes, goes or cannot be told; bytes go over 2^64', async () => {
    const rules = (...counts: number[]): ModelRule[] => counts.map((n) => ({ content: 7n, packets: BigInt(n), bytes: BigInt(n) }));
    const sums = async (handles: boolean, ...polls: (readonly ModelRule[])[]): Promise<bigint[]> => {
      const series = new RuleSeries(1000, ['rule'], () => ({ rule: 'all' }));
      const out: bigint[] = [];
      for (const of of polls) {
        await series.update(poll([{ name: 'c', rules: of }], { handles }));
        out.push(...[...series.book].map((s) => s.packets));
      }
      return out;
    };
    assert.deepEqual(await sums(false, rules(1000), rules(0, 1005)), [1000n, 1005n]);
    assert.deepEqual(await sums(false, rules(0, 1000), rules(1001)), [1000n, 1001n]);
    // One has gone and one come: 1000 may be what there was.
    assert.deepEqual(await sums(false, rules(0, 1000), rules(1000, 2)), [1000n, 1000n]);
    const wrapping = (packets: bigint, bytes: bigint): ModelRule[] => [{ content: 7n, handle: 1n, packets, bytes }];
    assert.deepEqual(await sums(true, wrapping(1_000_000n, (1n << 64n) - 7n), wrapping(1_000_010n, 40n)), [1_000_000n, 1_000_010n]);
  });

  it('names a rule made anew by its new handle', async () => {
    const series = new RuleSeries(1000, ['rule'], (rule) => ({ rule: `handle ${rule.handle}` }));
    const twice = (first: bigint): ModelRule[] => [first, first + 1n].map((handle) => ({ content: 7n, handle, packets: 1n, bytes: 0n }));
    await series.update(poll([{ name: 'c', rules: twice(1n) }], { handles: true }));
    await series.update(poll([{ name: 'c', rules: twice(5n) }], { handles: true }));
    assert.deepEqual(
      [...series.book].map((s) => s.labels?.['rule']),
      ['handle 5', 'handle 6'],
    );
  });

  it('asks for the labels of a rule once, and again where its place is another', async () => {
    const asked: string[] = [];
    const series = new RuleSeries(1000, ['rule'], (rule) => {
      asked.push(String(rule.handle));
      return { rule: String(rule.handle) };
    });
    const [{ rules } = { rules: [] }] = chainOf(3, 1n);
    const first = poll([{ name: 'c', rules }], { handles: true });
    await series.update(first);
    await series.update(poll([{ name: 'c', rules }], { handles: true, steady: first }));
    assert.deepEqual(asked.splice(0), ['1', '2', '3']);
    await series.update(poll([{ name: 'c', rules: [rules[0]!, rules[2]!] }], { handles: true }));
    assert.deepEqual(asked, ['3']);
    assert.deepEqual(shown(series), ['1 1', '3 1']);
  });
});
