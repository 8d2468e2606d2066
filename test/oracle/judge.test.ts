// libnftnl as judge of the tables: what nflink encodes must parse there and be written again as the same bytes. Where
// libnftnl 1.2.4 itself differs, the exception is named below with its reason; an exception that is none any more fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnyExpression } from '../../lib/nftables/expressions/expression.ts';
import { expressionTables } from '../../lib/nftables/expressions/index.ts';
import { isPrefix } from '../../lib/nftables/objects/devices.ts';
import * as m from '../../lib/nftables/objects/messages.ts';
import type { RuleAttributes } from '../../lib/nftables/objects/rule.ts';
import type { TableAttributes } from '../../lib/nftables/objects/table.ts';
import { encodeText } from '../../lib/wire/text.ts';
import { type Exception, judgeAll, judged, RANDOM_CASES, SEED, without } from '../support/judge.ts';
import { encoded, encodeExpression, expressionCase, expressionCaseNames, type ObjectCase, objectCases } from '../support/wire-cases.ts';

const verdictOf = (e: AnyExpression): { readonly verdict?: unknown; readonly chainId?: unknown } => e['data'] as object;

/** The same string attribute without its NUL: as raw bytes, `index` attributes from the front. */
const withoutNul =
  (key: string, type: number, before: readonly string[]) =>
  (e: AnyExpression): AnyExpression => {
    const text = e[key];
    if (typeof text !== 'string') return e;
    const index = before.filter((name) => e[name] !== undefined).length + ((e['unknown'] as readonly unknown[] | undefined)?.length ?? 0);
    const { [key]: _, ...rest } = e;
    const unknown = [...((e['unknown'] as readonly object[] | undefined) ?? []), { index, type, data: encodeText(text) }];
    return { ...rest, unknown } as unknown as AnyExpression;
  };

const expressionExceptions: Readonly<Record<string, readonly Exception<AnyExpression>[]>> = {
  bitwise: [{ writes: without('sreg2'), reason: 'libnftnl 1.2.4 has no second register (NFTA_BITWISE_SREG2)' }],
  dynset: [
    {
      writes: (e) => (e['expr'] === undefined ? e : without<AnyExpression>('expressions')(e)),
      reason: 'of expr and expressions, which exclude each other, it reads the first',
    },
    {
      writes: (e) => {
        const list = e['expressions'] as readonly AnyExpression[] | undefined;
        if (list === undefined || list.length > 1) return e;
        const [expr] = list;
        return { ...without<AnyExpression>('expressions')(e), ...(expr === undefined ? {} : { expr }) };
      },
      reason: 'a list of one becomes expr, as in the kernel; an empty one is left out',
    },
  ],
  immediate: [
    { refuses: (e) => typeof verdictOf(e).verdict === 'number', reason: 'nftnl_parse_verdict() knows no queue number in the high bits' },
    {
      refuses: (e) => verdictOf(e).chainId !== undefined,
      reason: 'nftnl_parse_verdict() reads a chain name that is not there and crashes',
    },
  ],
  inner: [{ refuses: () => true, reason: 'libnftnl 1.2.4 has no inner' }],
  objref: [
    { writes: withoutNul('name', 2, ['kind']), reason: 'it writes names of objects without their NUL; the kernel takes both' },
    { writes: withoutNul('set', 4, ['kind', 'name', 'sreg']), reason: 'and names of sets in an object reference' },
  ],
  osf: [
    {
      writes: (e) => ((e['flags'] as readonly unknown[] | undefined)?.length === 0 ? without<AnyExpression>('flags')(e) : e),
      reason: 'it leaves flags out that are 0',
    },
  ],
  tunnel: [{ writes: without('mode'), reason: 'libnftnl 1.2.4 does not know NFTA_TUNNEL_MODE' }],
};

/** What the exceptions of expressions make of a rule's. */
function rewritten(e: AnyExpression): AnyExpression {
  return (expressionExceptions[e.type] ?? []).reduce((value, x) => ('writes' in x ? x.writes(value) : value), e);
}
function isRefused(e: AnyExpression): boolean {
  return (expressionExceptions[e.type] ?? []).some((x) => 'refuses' in x && x.refuses(e));
}

const tableExceptions: readonly Exception<TableAttributes>[] = [
  { writes: without('use'), reason: 'only the kernel writes NFTA_TABLE_USE' },
  { writes: without('owner'), reason: 'only the kernel writes NFTA_TABLE_OWNER' },
];
const ruleExceptions: readonly Exception<RuleAttributes>[] = [
  { writes: without('chainId'), reason: 'libnftnl 1.2.4 has no NFTA_RULE_CHAIN_ID' },
  { writes: (r) => (r.expressions?.length === 0 ? without<RuleAttributes>('expressions')(r) : r), reason: 'it leaves an empty list out' },
  {
    writes: (r) => {
      const expressions = r.expressions?.map(rewritten);
      return expressions === undefined || expressions.every((e, i) => e === r.expressions?.[i]) ? r : { ...r, expressions };
    },
    reason: 'what it writes otherwise in expressions, inside a rule',
  },
  { refuses: (r) => r.expressions?.some(isRefused) === true, reason: 'expressions that it refuses' },
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
judgeObject('chain', objectCases.chain, [
  { refuses: (c) => c.hook?.devs?.some(isPrefix) === true, reason: 'libnftnl 1.2.4 knows no device prefixes (NFTA_DEVICE_PREFIX)' },
]);
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
