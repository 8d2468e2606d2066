// Values for every table of the wire: one full example each, hand-picked ones, and a fast-check arbitrary. Words and flags
// are taken from the tables; a table or an attribute without a case here fails the tests that walk the registry.
import fc from 'fast-check';
import type { AnyExpression } from '../../lib/nftables/expressions/expression.ts';
import { type ChainAttributes, chainTable } from '../../lib/nftables/objects/chain.ts';
import { isPrefix } from '../../lib/nftables/objects/devices.ts';
import * as m from '../../lib/nftables/objects/messages.ts';
import { type RuleAttributes, ruleTable } from '../../lib/nftables/objects/rule.ts';
import { type TableAttributes, tableTable } from '../../lib/nftables/objects/table.ts';
import type { AttributeTable } from '../../lib/wire/table.ts';
import { AttributeWriter } from '../../lib/wire/writer.ts';
import { bytes, type Given, i32, of, record, text, U32_MAX, U64_MAX, u8, u16, u32, u64, value, verdict } from './arbitraries.ts';
import { moreExpressions } from './expression-cases.ts';
import { propertiesOf, wordsOf } from './words.ts';

export interface Case<T> {
  /** Every property of the table. */
  readonly example: T;
  /** Values at the edges, and combinations the kernel knows. */
  readonly picked: readonly T[];
  readonly any: fc.Arbitrary<T>;
}

/** Completes a case: words and flags are walked one by one, and drawn at random beside the other properties. */
function complete<T extends object>(g: Given<T>, encode: (v: Readonly<Record<string, unknown>>) => unknown): Case<T> {
  const example = g.example as Readonly<Record<string, unknown>>;
  const fields: Record<string, fc.Arbitrary<unknown>> = { ...g.fields };
  const picked: unknown[] = [g.example, ...(g.picked ?? [])];
  for (const key of propertiesOf(encode, example)) {
    const known = wordsOf(encode, example, key);
    if (known === undefined) {
      if (fields[key] === undefined) throw new Error(`test/support/wire-cases.ts: no arbitrary for the property ${key}`);
      continue;
    }
    if (known.kind === 'words') for (const word of known.words) picked.push({ ...example, [key]: word });
    else for (const list of [[], known.words, ...known.words.map((word) => [word])]) picked.push({ ...example, [key]: list });
    fields[key] = known.kind === 'words' ? fc.constantFrom(...known.words) : fc.subarray([...known.words]);
  }
  const required = g.required ?? [];
  const drawn = fc.record(fields, { requiredKeys: [...required], noNullPrototype: true });
  const fixed = 'type' in example ? { type: example['type'] } : {};
  return { example: g.example, picked: picked as T[], any: drawn.map((r) => ({ ...fixed, ...r }) as T) };
}

const registers = { sreg: u32, dreg: u32 };
const extension = (type: 'match' | 'target'): Given<AnyExpression> => ({
  example: { type, name: 'comment', rev: 0, info: of(256) },
  picked: [
    { type, name: 'x'.repeat(28), rev: U32_MAX, info: of(1) },
    { type, name: 'c', rev: 3, info: of(4096) },
  ],
  fields: { name: text(28), rev: u32, info: bytes(1, 300) },
  required: ['name', 'rev', 'info'],
});

const counterExpression: AnyExpression = { type: 'counter', bytes: 0n, packets: 0n };
const expressionGivens: Readonly<Record<string, Given<AnyExpression>>> = {
  bitwise: {
    example: { type: 'bitwise', sreg: 1, dreg: 2, op: 'mask-xor', len: 4, mask: of(4, 0xff), xor: of(4, 0), data: of(4, 3), sreg2: 9 },
    picked: [
      { type: 'bitwise', sreg: 1, dreg: 1, op: 'mask-xor', len: 4, mask: of(4), xor: of(4) },
      { type: 'bitwise', sreg: 1, dreg: 1, op: 'mask-xor', len: 64, mask: of(64), xor: of(64) },
      { type: 'bitwise', sreg: 1, dreg: 1, op: 'lshift', len: 4, data: of(4) },
      { type: 'bitwise', sreg: 1, dreg: 1, op: 'rshift', len: 4, data: of(4) },
      { type: 'bitwise', sreg: 8, dreg: 9, op: 'and', len: 4, sreg2: 10 },
      { type: 'bitwise', sreg: 8, dreg: 9, op: 'or', len: 4, data: of(4) },
    ],
    fields: { ...registers, len: u32, mask: value, xor: value, data: value, sreg2: u32 },
    required: ['sreg', 'dreg', 'op', 'len'],
  },
  cmp: {
    example: { type: 'cmp', sreg: 1, op: '==', data: of(4) },
    picked: [1, 2, 3, 6, 16, 63, 64].map((n) => ({ type: 'cmp', sreg: U32_MAX, op: '!=', data: of(n) })),
    fields: { sreg: u32, data: value },
    required: ['sreg', 'op', 'data'],
  },
  counter: {
    example: { type: 'counter', bytes: 1n, packets: 2n },
    picked: [
      { type: 'counter', bytes: 0n, packets: 0n },
      { type: 'counter', bytes: U64_MAX, packets: U64_MAX },
    ],
    fields: { bytes: u64, packets: u64 },
    required: ['bytes', 'packets'],
  },
  ct: {
    example: { type: 'ct', key: 'state', dreg: 1, direction: 'reply', sreg: 2 },
    picked: [
      { type: 'ct', key: 'state', dreg: 1 },
      { type: 'ct', key: 'mark', sreg: 1 },
      { type: 'ct', key: 'src ip', dreg: 1, direction: 'original' },
    ],
    fields: registers,
    required: ['key'],
  },
  immediate: {
    example: { type: 'immediate', dreg: 1, data: of(4) },
    picked: [
      ...[1, 2, 3, 16, 64].map((n) => ({ type: 'immediate', dreg: U32_MAX, data: of(n) })),
      ...['accept', 'drop', 'queue', 'continue', 'break', 'return'].map((v) => ({ type: 'immediate', dreg: 0, data: { verdict: v } })),
      ...['jump', 'goto'].flatMap((v) =>
        ['a', 'x'.repeat(255), 'kette-ä'].map((chain) => ({ type: 'immediate', dreg: 0, data: { verdict: v, chain } })),
      ),
      { type: 'immediate', dreg: 0, data: { verdict: 'jump', chainId: 7 } },
      { type: 'immediate', dreg: 0, data: { verdict: (5 << 16) | 3 } },
    ],
    fields: { dreg: u32, data: fc.oneof(value, verdict) },
    required: ['dreg', 'data'],
  },
  limit: {
    example: { type: 'limit', rate: 10n, unit: 60n, burst: 5, per: 'packets', flags: ['inv'] },
    picked: [
      { type: 'limit', rate: 1n, unit: 1n },
      { type: 'limit', rate: U64_MAX, unit: U64_MAX, burst: U32_MAX, per: 'bytes', flags: [] },
    ],
    fields: { rate: u64, unit: u64, burst: u32 },
    required: ['rate', 'unit'],
  },
  log: {
    example: { type: 'log', prefix: 'dropped: ', group: 1, snaplen: 80, qthreshold: 2, level: 'warn', flags: ['ether'] },
    picked: [
      { type: 'log' },
      { type: 'log', prefix: 'p'.repeat(127) },
      { type: 'log', group: 0xffff, snaplen: U32_MAX, qthreshold: 0xffff },
    ],
    fields: { prefix: text(127), group: u16, snaplen: u32, qthreshold: u16 },
  },
  lookup: {
    example: { type: 'lookup', sreg: 1, dreg: 2, set: '__set0', setId: 4, flags: ['inv'] },
    picked: [
      { type: 'lookup', sreg: 1, set: 's' },
      { type: 'lookup', sreg: U32_MAX, set: 'x'.repeat(255), dreg: 0 },
    ],
    fields: { ...registers, set: text(255), setId: u32 },
    required: ['sreg', 'set'],
  },
  masq: {
    example: { type: 'masq', flags: ['random'], protoMin: 1, protoMax: 2 },
    picked: [{ type: 'masq' }],
    fields: { protoMin: u32, protoMax: u32 },
  },
  match: extension('match'),
  meta: {
    example: { type: 'meta', key: 'mark', dreg: 1, sreg: 2 },
    picked: [
      { type: 'meta', key: 'l4proto', dreg: U32_MAX },
      { type: 'meta', key: 'mark', sreg: 1 },
    ],
    fields: registers,
    required: ['key'],
  },
  nat: {
    example: { type: 'nat', kind: 'dnat', family: 'ip', addrMin: 1, addrMax: 2, protoMin: 3, protoMax: 4, flags: ['random'] },
    picked: [{ type: 'nat', kind: 'snat', family: 'ip6' }],
    fields: { addrMin: u32, addrMax: u32, protoMin: u32, protoMax: u32 },
    required: ['kind', 'family'],
  },
  payload: {
    example: {
      type: 'payload',
      sreg: 1,
      dreg: 2,
      base: 'network',
      offset: 12,
      len: 4,
      csumType: 'inet',
      csumOffset: 10,
      csumFlags: ['l4-pseudohdr'],
    },
    picked: [
      { type: 'payload', dreg: 1, base: 'link', offset: 0, len: 14 },
      { type: 'payload', dreg: U32_MAX, base: 'transport', offset: U32_MAX, len: U32_MAX },
      { type: 'payload', sreg: 1, base: 'transport', offset: 2, len: 2, csumType: 'inet', csumOffset: 16, csumFlags: [] },
    ],
    fields: { ...registers, offset: u32, len: u32, csumOffset: u32 },
    required: ['base', 'offset', 'len'],
  },
  range: {
    example: { type: 'range', sreg: 1, op: '==', from: of(2, 1), to: of(2, 2) },
    picked: [1, 4, 16, 64].map((n) => ({ type: 'range', sreg: U32_MAX, op: '!=', from: of(n, 0), to: of(n, 0xff) })),
    fields: { sreg: u32, from: value, to: value },
    required: ['sreg', 'op', 'from', 'to'],
  },
  redir: {
    example: { type: 'redir', protoMin: 1, protoMax: 2, flags: ['random'] },
    picked: [{ type: 'redir' }],
    fields: { protoMin: u32, protoMax: u32 },
  },
  reject: {
    example: { type: 'reject', kind: 'icmp', code: 3 },
    picked: [
      { type: 'reject', kind: 'tcp reset', code: 0 },
      { type: 'reject', kind: 'icmpx', code: 0xff },
    ],
    fields: { code: u8 },
    required: ['kind', 'code'],
  },
  target: extension('target'),
  ...moreExpressions,
};

export const encoded = <T extends object>(table: AttributeTable<T>, object: T): Uint8Array => {
  const w = new AttributeWriter(64);
  table.encode(w, object);
  return w.written().slice();
};
export const encodeExpression = (e: AnyExpression): Uint8Array => encoded(ruleTable, { expressions: [e] });

/** Throws for a table without a case. */
export function expressionCase(name: string): Case<AnyExpression> {
  const given = expressionGivens[name];
  if (given === undefined) throw new Error(`test/support/wire-cases.ts: the expression ${name} has a table and no case`);
  return complete(given, (v) => encodeExpression(v as unknown as AnyExpression));
}
export const expressionCaseNames: readonly string[] = Object.keys(expressionGivens);

export interface ObjectCase<T extends object> extends Case<T> {
  readonly table: AttributeTable<T>;
  readonly message: number;
}

export function objectCase<T extends object>(table: AttributeTable<T>, message: number, given: Given<T>): ObjectCase<T> {
  return { table, message, ...complete(given, (v) => encoded(table, v as T)) };
}

const userdata = bytes(1, 256);
/** The objects that nflink writes. */
export const objectCases = {
  table: objectCase<TableAttributes>(tableTable, m.NFT_MSG_NEWTABLE, {
    example: { name: 'filter', flags: ['dormant'], use: 3, handle: 7n, userdata: of(9), owner: 77 },
    picked: [{ name: 'x'.repeat(255), flags: [], handle: U64_MAX, userdata: of(256) }, { handle: 1n }],
    fields: { name: text(255), use: u32, handle: u64, userdata, owner: u32 },
  }),
  chain: objectCase<ChainAttributes>(chainTable, m.NFT_MSG_NEWCHAIN, {
    example: {
      table: 'filter',
      handle: 3n,
      name: 'input',
      hook: { hooknum: 1, priority: -300 },
      policy: 'drop',
      use: 3,
      type: 'filter',
      counters: { bytes: 1n, packets: 2n },
      flags: ['base'],
      id: 9,
      userdata: of(9),
    },
    picked: [
      { table: 't', name: 'c' },
      { table: 't', handle: 3n, name: 'newname' },
      { table: 't', name: 'c', hook: { hooknum: 0, priority: 0, dev: 'eth0' }, policy: 'accept', type: 'filter' },
      { table: 't', name: 'c', hook: { hooknum: 0, priority: 0, dev: 'eth\\*' }, type: 'filter' },
      { table: 't', name: 'c', hook: { hooknum: 0, priority: 0, devs: ['eth0', 'eth*', 'eth\\*'] }, type: 'filter' },
      { table: 't', name: 'c', hook: { hooknum: 0, priority: -0x80000000, devs: ['eth0', 'x'.repeat(15)] }, type: 'filter' },
      { table: 't', name: 'c', hook: { hooknum: 4, priority: 0x7fffffff }, counters: { bytes: U64_MAX, packets: U64_MAX } },
    ],
    fields: {
      table: text(255),
      handle: u64,
      name: text(255),
      hook: fc.oneof(
        record({ hooknum: u32, priority: i32 }),
        record({ hooknum: u32, priority: i32, dev: text(15).filter((name) => !isPrefix(name)) }),
        record({ hooknum: u32, priority: i32, devs: fc.array(text(15), { minLength: 1, maxLength: 4 }) }),
      ),
      use: u32,
      type: text(31),
      counters: record({ bytes: u64, packets: u64 }),
      id: u32,
      userdata,
    },
  }),
  rule: objectCase<RuleAttributes>(ruleTable, m.NFT_MSG_NEWRULE, {
    example: {
      table: 'filter',
      chain: 'input',
      handle: 3n,
      position: 4n,
      userdata: of(9),
      expressions: [counterExpression],
      compat: { proto: 6, flags: 0 },
      id: 1,
      positionId: 2,
      chainId: 3,
    },
    picked: [
      { table: 't' },
      { table: 't', chain: 'c' },
      { table: 't', chain: 'c', handle: U64_MAX },
      { table: 't', chain: 'c', expressions: [] },
      { table: 't', chain: 'c', expressions: Array.from({ length: 128 }, () => counterExpression) },
      { table: 't', chain: 'c', expressions: [counterExpression], compat: { proto: U32_MAX, flags: 2 } },
    ],
    fields: {
      table: text(255),
      chain: text(255),
      handle: u64,
      position: u64,
      userdata,
      expressions: fc.array(fc.oneof(...expressionCaseNames.map((name) => expressionCase(name).any)), { maxLength: 8 }),
      compat: record({ proto: u32, flags: u32 }),
      id: u32,
      positionId: u32,
      chainId: u32,
    },
  }),
} as const;
