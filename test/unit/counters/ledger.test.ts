// The ledger keeps what somebody will still ask for, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CounterLedger, type LedgerEntry } from '../../../lib/counters/ledger.ts';

const entry = (n: number): LedgerEntry => ({
  kind: 'reset',
  place: { family: 'ip', table: 't', chain: 'c' },
  handle: BigInt(n),
  counter: { packets: 0n, bytes: 0n },
});
const numbers = (entries: readonly LedgerEntry[]): number[] => entries.map((e) => (e.kind === 'reset' ? Number(e.handle) : -1));

test('nobody asks: nothing is kept', () => {
  const ledger = new CounterLedger();
  ledger.add(entry(1));
  assert.deepEqual([ledger.wanted, ledger.mark, numbers(ledger.between(0, 9))], [false, 0, []]);
  const reader = ledger.open();
  ledger.add(entry(2));
  assert.deepEqual([ledger.wanted, numbers(ledger.between(reader.mark, ledger.mark))], [true, [2]]);
  ledger.close(reader);
  ledger.close(reader);
  assert.deepEqual([ledger.wanted, numbers(ledger.between(0, 9))], [false, []]);
});

test('any readers, coming and going: each finds all since its mark, once', () => {
  const steps = fc.array(fc.record({ do: fc.constantFrom('add', 'add', 'open', 'close', 'read'), which: fc.nat(5) }), { maxLength: 80 });
  fc.assert(
    fc.property(steps, (all) => {
      const ledger = new CounterLedger();
      const readers: { reader: { mark: number }; expected: number[] }[] = [];
      let next = 0;
      for (const s of all) {
        const chosen = readers[s.which % Math.max(1, readers.length)];
        if (s.do === 'open') readers.push({ reader: ledger.open(), expected: [] });
        else if (s.do === 'add') {
          ledger.add(entry(next));
          for (const r of readers) r.expected.push(next);
          next++;
        } else if (chosen !== undefined && s.do === 'close') {
          ledger.close(chosen.reader);
          readers.splice(readers.indexOf(chosen), 1);
        } else if (chosen !== undefined) {
          const { mark } = ledger;
          assert.deepEqual(numbers(ledger.between(chosen.reader.mark, mark)), chosen.expected);
          ledger.advance(chosen.reader, mark);
          chosen.expected = [];
        }
        assert.equal(ledger.wanted, readers.length > 0);
      }
      for (const { reader, expected } of readers) assert.deepEqual(numbers(ledger.between(reader.mark, ledger.mark)), expected);
    }),
  );
});

test('calm is the same before and after what no restore has met', () => {
  const ledger = new CounterLedger();
  const before = ledger.calm;
  assert.notEqual(before, undefined);
  assert.equal(ledger.calm, before);
  const restore = ledger.during(function* () {
    yield { sync: () => undefined, async: async () => undefined };
    throw new Error('refused');
  });
  restore.next();
  assert.equal(ledger.calm, undefined);
  assert.throws(() => restore.next(), /refused/);
  assert.notEqual(ledger.calm, undefined);
  assert.notEqual(ledger.calm, before, 'one has come and gone');
});
