// Values for the wire tables of sets and elements: full examples, hand-picked ones and arbitraries.
import fc from 'fast-check';
import { type ElementListAttributes, elementListTable } from '../../lib/nftables/objects/element.ts';
import * as m from '../../lib/nftables/objects/messages.ts';
import { type SetAttributes, setTable } from '../../lib/nftables/objects/set.ts';
import { bytes, of, record, text, U32_MAX, U64_MAX, u32, u64 } from './arbitraries.ts';
import { type ObjectCase, objectCase } from './wire-cases.ts';

const counter = { type: 'counter', bytes: 1n, packets: 2n } as const;
const quota = { type: 'quota', bytes: 5n, consumed: 0n, flags: [] } as const;
const field = record({ len: fc.integer({ min: 1, max: 64 }) });

export const setCase: ObjectCase<SetAttributes> = objectCase<SetAttributes>(setTable, m.NFT_MSG_NEWSET, {
  example: {
    table: 'filter',
    name: 'blocked',
    handle: 3n,
    flags: ['interval', 'concat'],
    keyType: 0x1cd,
    keyLen: 8,
    dataType: 0xffffff00,
    dataLen: 0,
    objType: 1,
    id: 9,
    policy: 'memory',
    desc: { size: 65535, concat: [{ len: 4 }, { len: 2 }] },
    timeout: 10_000n,
    gcInterval: 1000,
    userdata: of(9),
    expr: counter,
    expressions: [counter, quota],
    type: 'hash',
    count: 7,
  },
  picked: [
    { table: 't' },
    { table: 't', name: 's', keyType: 7, keyLen: 4, id: 1 },
    { table: 't', name: 's', keyType: U32_MAX, keyLen: 64, timeout: U64_MAX, gcInterval: U32_MAX },
    { table: 't', name: 's', desc: { size: 1 } },
    { table: 't', name: 's', desc: { concat: Array.from({ length: 16 }, () => ({ len: 4 })) } },
    { table: 't', name: 's', expr: counter },
    { table: 't', name: 's', expressions: [quota, counter] },
  ],
  fields: {
    table: text(255),
    name: text(255),
    handle: u64,
    keyType: u32,
    keyLen: u32,
    dataType: u32,
    dataLen: u32,
    objType: u32,
    id: u32,
    desc: fc.oneof(
      record({ size: u32 }),
      record({ concat: fc.array(field, { minLength: 1, maxLength: 16 }) }),
      record({ size: u32, concat: fc.array(field, { minLength: 1, maxLength: 16 }) }),
    ),
    timeout: u64,
    gcInterval: u32,
    userdata: bytes(1, 256),
    expr: fc.constant(counter),
    expressions: fc.constant([counter, quota] as const),
    type: text(31),
    count: u32,
  },
});

// One element a list: libnftnl numbers them in the type of the list's attributes, the kernel (and nflink) names each NFTA_LIST_ELEM.
const value = bytes(1, 64);
const element = fc.record(
  {
    flags: fc.subarray(['interval end', 'catch-all'] as const),
    timeout: u64,
    expiration: u64,
    key: value,
    keyEnd: value,
    data: fc.oneof(value, fc.constantFrom({ verdict: 'drop' } as const, { verdict: 'jump', chain: 'c' } as const)),
    userdata: bytes(1, 256),
    objref: text(255),
    expr: fc.constant(counter),
  },
  { noNullPrototype: true },
);

export const elementsCase: ObjectCase<ElementListAttributes> = objectCase<ElementListAttributes>(elementListTable, m.NFT_MSG_NEWSETELEM, {
  example: {
    table: 'filter',
    set: 'blocked',
    setId: 9,
    elements: [
      {
        flags: ['interval end'],
        timeout: 1n,
        expiration: 2n,
        key: of(4),
        keyEnd: of(4),
        data: of(4),
        userdata: of(9),
        objref: 'o',
        expr: counter,
        expressions: [counter, quota],
      },
    ],
  },
  picked: [
    { table: 't', set: 's', elements: [{ key: of(1) }] },
    { table: 't', set: 's', elements: [{ key: of(64), keyEnd: of(64, 1) }] },
    { table: 't', set: 's', elements: [{ flags: ['catch-all'], data: { verdict: 'goto', chain: 'x'.repeat(255) } }] },
    { table: 't', set: 's', elements: [{ key: of(4), timeout: U64_MAX, expiration: U64_MAX }] },
    { table: 't', set: 's', elements: [{ key: of(4), expr: quota }] },
    { table: 't', set: 's', elements: [{ key: of(4), expressions: [quota, counter] }] },
  ],
  fields: { table: text(255), set: text(255), setId: u32, elements: element.map((e) => [e]) },
});
