// libnftnl as judge of named objects and flowtables. What it doesn't know of them is named here, and tried by raw dumps in
// test/kernel/objects.test.ts instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPrefix } from '../../lib/nftables/objects/devices.ts';
import type { ObjectAttributes } from '../../lib/nftables/objects/object.ts';
import { timeoutStates } from '../../lib/nftables/objects/stateful/ct-timeout.ts';
import type { StatefulName } from '../../lib/nftables/objects/stateful/index.ts';
import { encodeText } from '../../lib/wire/text.ts';
import { type Exception, judgeAll, RANDOM_CASES, SEED, without } from '../support/judge.ts';
import { flowtableCase, statefulCase, statefulCases, statefulNames } from '../support/stateful-cases.ts';
import { encoded, type ObjectCase } from '../support/wire-cases.ts';

const common: readonly Exception<ObjectAttributes>[] = [
  { writes: without('use'), reason: 'only the kernel writes NFTA_OBJ_USE' },
  { writes: (o) => (o.data === undefined ? { ...o, data: {} } : o), reason: 'it writes the data of a known kind even where there is none' },
];
type Data = Readonly<Record<string, unknown>>;
const dataOf = (o: ObjectAttributes): Data => (o.data ?? {}) as Data;

/** The first attribute of its data, a string, without its NUL. */
const withoutNul =
  (key: string) =>
  (o: ObjectAttributes): ObjectAttributes => {
    const { [key]: value, ...rest } = dataOf(o);
    return value === undefined ? o : { ...o, data: { ...rest, unknown: [{ index: 0, type: 1, data: encodeText(value as string) }] } };
  };

function allStates(o: ObjectAttributes): ObjectAttributes {
  const { policy, protocol } = dataOf(o);
  if (policy === undefined) return o;
  const zeros = Object.fromEntries(timeoutStates[protocol as keyof typeof timeoutStates].map((state) => [state, 0]));
  return { ...o, data: { ...dataOf(o), policy: { ...zeros, ...(policy as object) } } };
}

const exceptions: Partial<Record<StatefulName, readonly Exception<ObjectAttributes>[]>> = {
  connlimit: [
    { writes: ({ kind: _, data: __, ...rest }) => rest, reason: 'libnftnl 1.2.4 knows no connlimit objects and leaves type and data out' },
  ],
  'ct helper': [{ writes: withoutNul('type'), reason: 'it writes the name without its NUL; the kernel takes both' }],
  'ct timeout': [{ writes: allStates, reason: 'it writes every state that was not set as 0' }],
  secmark: [{ writes: withoutNul('context'), reason: 'it writes the context without its NUL; the kernel takes both' }],
  tunnel: [
    {
      writes: (o) => (dataOf(o)['flags'] === undefined ? o : { ...o, data: { ...dataOf(o), flags: [] } }),
      reason: 'it writes 0 for any flags',
    },
    { refuses: (o) => dataOf(o)['opts'] !== undefined, reason: 'vxlan is nested wrongly, geneve and incomplete erspan are dropped' },
    { refuses: (o) => dataOf(o)['ip'] !== undefined || dataOf(o)['ip6'] !== undefined, reason: 'an incomplete address pair is dropped' },
  ],
};

function judge<T extends object>(name: string, o: ObjectCase<T>, except: readonly Exception<T>[]): void {
  test(`libnftnl reads and writes ${name} as nflink does`, () => {
    const values = [...o.picked, ...fc.sample(o.any, { numRuns: RANDOM_CASES, seed: SEED })];
    judgeAll(values, (value) => ({ type: o.message, attributes: encoded(o.table, value) }), except);
  });
}

for (const kind of statefulNames) judge(kind, statefulCase(kind), [...common, ...(exceptions[kind] ?? [])]);
judge('flowtable', flowtableCase, [
  { refuses: (f) => f.hook?.devs?.some(isPrefix) === true, reason: 'libnftnl 1.2.4 knows no device prefixes (NFTA_DEVICE_PREFIX)' },
]);

test('every kind has a case', () => {
  assert.deepEqual(Object.keys(statefulCases).sort(), [...statefulNames].sort());
});
