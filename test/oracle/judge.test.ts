// libnftnl as judge of the tables: what nflink encodes must parse there and be written again as the same bytes. Where
// libnftnl 1.2.4 itself differs, the exception is named below with its reason; an exception that is none any more fails.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { AnyExpression } from '../../lib/nftables/expressions/expression.ts';
import { expressionTables } from '../../lib/nftables/expressions/index.ts';
import * as m from '../../lib/nftables/objects/messages.ts';
import type { RuleAttributes } from '../../lib/nftables/objects/rule.ts';
import type { TableAttributes } from '../../lib/nftables/objects/table.ts';
import { compileC } from '../support/compile-c.ts';
import { root } from '../support/fixtures.ts';
import { cleanEnv } from '../support/namespace.ts';
import { encoded, encodeExpression, expressionCase, expressionCaseNames, type ObjectCase, objectCases } from '../support/wire-cases.ts';

const RANDOM_CASES = 300;
const SEED = 20260;

let judge = '';
before(() => {
  judge = compileC(join(root, 'test', 'oracle', 'judge.c'), { packages: ['libnftnl', 'libmnl'] });
});

interface Message {
  readonly type: number;
  readonly attributes: Uint8Array;
}
type Verdict = { readonly same: true } | { readonly same: false; readonly why: string };

/** One judge for many messages; begun again behind a message that ended it. `expected`: what it should write, where not the same. */
function judged(messages: readonly Message[], expected: readonly Uint8Array[] = messages.map((message) => message.attributes)): Verdict[] {
  const verdicts: Verdict[] = [];
  while (verdicts.length < messages.length) {
    const rest = messages.slice(verdicts.length);
    const input = Buffer.concat(rest.flatMap((message) => [header(message), message.attributes]));
    const done = spawnSync(judge, { input, env: cleanEnv(), maxBuffer: 1 << 30 });
    if (done.error !== undefined) throw done.error;
    let at = 0;
    while (at < done.stdout.length) {
      const errno = done.stdout.readUInt32LE(at);
      const end = at + 8 + done.stdout.readUInt32LE(at + 4);
      verdicts.push(compared(expected[verdicts.length] as Uint8Array, errno, done.stdout.subarray(at + 8, end)));
      at = end;
    }
    if (verdicts.length < messages.length) {
      const how = done.signal ?? `exit code ${done.status}`;
      verdicts.push({ same: false, why: `libnftnl ended the process: ${how} ${done.stderr.toString().trim().slice(0, 300)}` });
    }
  }
  return verdicts;
}

function header(message: Message): Buffer {
  const record = Buffer.alloc(8);
  record.writeUInt32LE(message.attributes.length, 0);
  record[4] = message.type;
  record[5] = m.families.ip;
  return record;
}

function compared(ours: Uint8Array, errno: number, theirs: Buffer): Verdict {
  if (errno !== 0) return { same: false, why: `libnftnl refused it: errno ${errno}` };
  if (Buffer.compare(ours, theirs) === 0) return { same: true };
  return { same: false, why: `other bytes\n    nflink   ${attributes(ours)}\n    libnftnl ${attributes(theirs)}` };
}

/** Attributes as `type:payload`, nested ones in brackets: short enough to see which differs. */
function attributes(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true);
    const type = view.getUint16(at + 2, true);
    if (length < 4) return `${out.join(' ')} (broken)`;
    const payload = bytes.subarray(at + 4, at + length);
    out.push(`${type & 0x7fff}:${type & 0x8000 ? `[${attributes(payload)}]` : Buffer.from(payload).toString('hex')}`);
    at += (length + 3) & ~3;
  }
  return out.join(' ');
}

/** Something that libnftnl 1.2.4 cannot do, and the proof that it still can't: each exception must be met at least once. */
type Exception<T> =
  /** It does not write all of it: what it writes, to be compared with. `value` itself where the exception doesn't apply. */
  | { readonly reason: string; readonly writes: (value: T) => T }
  /** It refuses the message, or ends the process. */
  | { readonly reason: string; readonly refuses: (value: T) => boolean };

/** All values that the judge agrees on, or whose difference has a name. */
function judgeAll<T extends object>(values: readonly T[], encode: (value: T) => Message, exceptions: readonly Exception<T>[]): void {
  const problems: string[] = [];
  const met = new Set<Exception<T>>();
  const expected = values.map((value) => {
    let left = value;
    for (const e of exceptions) {
      const less = 'writes' in e ? e.writes(left) : left;
      if (less !== left) met.add(e);
      left = less;
    }
    return encode(left).attributes;
  });
  for (const [i, verdict] of judged(values.map(encode), expected).entries()) {
    const value = values[i] as T;
    const refused = exceptions.filter((e) => 'refuses' in e && e.refuses(value));
    if (refused.length > 0 && !verdict.same) for (const e of refused) met.add(e);
    else if (!verdict.same) problems.push(`${inspect(value, { depth: 5, breakLength: 140 })}\n    ${verdict.why}`);
  }
  const shown = problems.sort((x, y) => x.length - y.length).slice(0, 5);
  assert.equal(
    problems.length,
    0,
    `${problems.length} of ${values.length} differ (random ones from seed ${SEED}), the shortest:\n${shown.join('\n')}`,
  );
  for (const e of exceptions) assert.ok(met.has(e), `libnftnl never met this exception: ${e.reason}`);
}

const without =
  <T extends object>(key: keyof T) =>
  (value: T): T => {
    if (value[key] === undefined) return value;
    const { [key]: _, ...rest } = value;
    return rest as T;
  };
const withoutSecondRegister = without<AnyExpression>('sreg2');
const verdictOf = (e: AnyExpression): { readonly verdict?: unknown; readonly chainId?: unknown } => e['data'] as object;

const expressionExceptions: Readonly<Record<string, readonly Exception<AnyExpression>[]>> = {
  bitwise: [{ writes: withoutSecondRegister, reason: 'libnftnl 1.2.4 has no second register (NFTA_BITWISE_SREG2)' }],
  immediate: [
    { refuses: (e) => typeof verdictOf(e).verdict === 'number', reason: 'nftnl_parse_verdict() knows no queue number in the high bits' },
    {
      refuses: (e) => verdictOf(e).chainId !== undefined,
      reason: 'nftnl_parse_verdict() reads a chain name that is not there and crashes',
    },
  ],
};

const tableExceptions: readonly Exception<TableAttributes>[] = [
  { writes: without('use'), reason: 'only the kernel writes NFTA_TABLE_USE' },
  { writes: without('owner'), reason: 'only the kernel writes NFTA_TABLE_OWNER' },
];
const ruleExceptions: readonly Exception<RuleAttributes>[] = [
  { writes: without('chainId'), reason: 'libnftnl 1.2.4 has no NFTA_RULE_CHAIN_ID' },
  { writes: (r) => (r.expressions?.length === 0 ? without<RuleAttributes>('expressions')(r) : r), reason: 'it leaves an empty list out' },
  {
    writes: (r) => {
      const expressions = r.expressions?.map(withoutSecondRegister);
      return expressions === undefined || expressions.every((e, i) => e === r.expressions?.[i]) ? r : { ...r, expressions };
    },
    reason: 'the second register of bitwise, inside a rule',
  },
];

for (const name of expressionTables.names) {
  test(`libnftnl reads and writes the expression ${name} as nflink does`, () => {
    const { picked, any } = expressionCase(name);
    const values = [...picked, ...fc.sample(any, { numRuns: RANDOM_CASES, seed: SEED })];
    judgeAll(values, (e) => ({ type: m.NFT_MSG_NEWRULE, attributes: encodeExpression(e) }), expressionExceptions[name] ?? []);
  });
}

function judgeObject<T extends object>(name: string, o: ObjectCase<T>, exceptions: readonly Exception<T>[]): void {
  test(`libnftnl reads and writes the object ${name} as nflink does`, () => {
    const values = [...o.picked, ...fc.sample(o.any, { numRuns: RANDOM_CASES, seed: SEED })];
    judgeAll(values, (value) => ({ type: o.message, attributes: encoded(o.table, value) }), exceptions);
  });
}
judgeObject('table', objectCases.table, tableExceptions);
judgeObject('chain', objectCases.chain, []);
judgeObject('rule', objectCases.rule, ruleExceptions);

test('every case and every exception belongs to a table', () => {
  assert.deepEqual([...expressionCaseNames].sort(), [...expressionTables.names].sort());
  assert.deepEqual(
    Object.keys(expressionExceptions).filter((name) => !expressionTables.has(name)),
    [],
  );
});

test('the judge sees a difference: another order, a lost attribute, a wrong size', () => {
  const good = encodeExpression({ type: 'counter', bytes: 1n, packets: 2n });
  const swapped = good.slice();
  // In the element: name (4 + 8 bytes), data header, then the two attributes of 12 bytes each.
  const first = good.length - 24;
  swapped.set(good.subarray(first, first + 12), first + 12);
  swapped.set(good.subarray(first + 12), first);
  const unknown = encoded(objectCases.table.table, { name: 't', unknown: [{ index: 1, type: 200, data: new Uint8Array(4) }] });
  const short = Uint8Array.of(5, 0, 2, 0, 1, 0, 0, 0);
  const verdicts = judged([
    { type: m.NFT_MSG_NEWRULE, attributes: good },
    { type: m.NFT_MSG_NEWRULE, attributes: swapped },
    { type: m.NFT_MSG_NEWTABLE, attributes: unknown },
    { type: m.NFT_MSG_NEWTABLE, attributes: short },
    { type: m.NFT_MSG_NEWRULE, attributes: good },
  ]);
  assert.deepEqual(
    verdicts.map((v) => v.same),
    [true, false, false, false, true],
  );
});
