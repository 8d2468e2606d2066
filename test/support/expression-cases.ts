// The cases of expressions that load, count and act, beside those of wire-cases.ts.
import fc from 'fast-check';
import type { AnyExpression } from '../../lib/nftables/expressions/expression.ts';
import { type Given, record, text, U32_MAX, U64_MAX, u8, u16, u32, u64 } from './arbitraries.ts';

const counter = { type: 'counter', bytes: 1n, packets: 2n };
const limit = { type: 'limit', rate: 10n, unit: 60n, burst: 5, per: 'packets', flags: ['inv'] };
const quota = { type: 'quota', bytes: 1000n, consumed: 5n, flags: ['inv'] };
const connlimit = { type: 'connlimit', count: 3, flags: ['inv'] };
const last = { type: 'last', set: 1, msecs: 1500n };

/** What a set element may hold: each with random numbers. */
const stateful: fc.Arbitrary<AnyExpression> = fc.oneof(
  record({ type: fc.constant('counter'), bytes: u64, packets: u64 }),
  record({ type: fc.constant('limit'), rate: u64, unit: u64, burst: u32 }).map((e) => ({ ...e, per: 'bytes', flags: [] })),
  record({ type: fc.constant('quota'), bytes: u64, consumed: u64 }).map((e) => ({ ...e, flags: ['inv'] })),
  record({ type: fc.constant('connlimit'), count: u32 }).map((e) => ({ ...e, flags: [] })),
  record({ type: fc.constant('last'), set: u32, msecs: u64 }),
);
const insideTunnel: fc.Arbitrary<AnyExpression> = fc.oneof(
  record({ type: fc.constant('payload'), dreg: u32, base: fc.constantFrom('link', 'tunnel'), offset: u32, len: u32 }),
  record({ type: fc.constant('meta'), key: fc.constantFrom('protocol', 'l4proto'), dreg: u32 }),
);

export const moreExpressions: Readonly<Record<string, Given<AnyExpression>>> = {
  byteorder: {
    example: { type: 'byteorder', sreg: 1, dreg: 2, op: 'ntoh', len: 4, size: 2 },
    picked: [{ type: 'byteorder', sreg: U32_MAX, dreg: U32_MAX, op: 'hton', len: 255, size: 8 }],
    fields: { sreg: u32, dreg: u32, len: u32, size: u32 },
    required: ['sreg', 'dreg', 'op', 'len', 'size'],
  },
  connlimit: {
    example: connlimit,
    picked: [
      { type: 'connlimit', count: 0 },
      { type: 'connlimit', count: U32_MAX, flags: [] },
    ],
    fields: { count: u32 },
    required: ['count'],
  },
  dup: {
    example: { type: 'dup', addr: 1, dev: 2 },
    picked: [{ type: 'dup' }, { type: 'dup', addr: U32_MAX }, { type: 'dup', dev: U32_MAX }],
    fields: { addr: u32, dev: u32 },
  },
  dynset: {
    example: {
      type: 'dynset', sregKey: 1, sregData: 2, op: 'update', timeout: 60_000n, set: 's', setId: 4, flags: ['expr'], expr: limit,
      expressions: [counter, quota],
    }, // biome-ignore format: one expression
    picked: [
      { type: 'dynset', sregKey: 1, op: 'add', set: 's' },
      { type: 'dynset', sregKey: U32_MAX, sregData: 0, op: 'delete', timeout: U64_MAX, set: 'x'.repeat(255), setId: U32_MAX },
      ...[counter, limit, quota, connlimit, last].map((expr) => ({
        type: 'dynset',
        sregKey: 1,
        op: 'add',
        set: 's',
        flags: ['expr'],
        expr,
      })),
      { type: 'dynset', sregKey: 1, op: 'add', set: 's', flags: ['inv', 'expr'], expressions: [counter, limit, quota, connlimit, last] },
      { type: 'dynset', sregKey: 1, op: 'add', set: 's', expressions: [counter] },
      { type: 'dynset', sregKey: 1, op: 'add', set: 's', expressions: [] },
    ],
    fields: {
      sregKey: u32,
      sregData: u32,
      timeout: u64,
      set: text(255),
      setId: u32,
      expr: stateful,
      expressions: fc.array(stateful, { maxLength: 4 }),
    },
    required: ['sregKey', 'op', 'set'],
  },
  exthdr: {
    example: { type: 'exthdr', dreg: 1, sreg: 2, kind: 43, offset: 2, len: 1, flags: ['present'], op: 'exthdr' },
    picked: [
      { type: 'exthdr', op: 'tcp option', kind: 5 },
      { type: 'exthdr', sreg: 1, op: 'tcp option', kind: 2, offset: 2, len: 2 },
      { type: 'exthdr', dreg: U32_MAX, kind: 0xff, offset: U32_MAX, len: U32_MAX },
    ],
    fields: { dreg: u32, sreg: u32, kind: u8, offset: u32, len: u32 },
    required: ['kind'],
  },
  fib: {
    example: { type: 'fib', dreg: 1, result: 'oif', flags: ['saddr', 'iif'] },
    picked: [{ type: 'fib', dreg: U32_MAX, result: 'type', flags: ['daddr'] }],
    fields: { dreg: u32 },
    required: ['dreg', 'result', 'flags'],
  },
  flow_offload: {
    example: { type: 'flow_offload', flowtable: 'f' },
    picked: [{ type: 'flow_offload', flowtable: 'x'.repeat(255) }],
    fields: { flowtable: text(255) },
    required: ['flowtable'],
  },
  fwd: {
    example: { type: 'fwd', dev: 1, addr: 2, family: 'ip6' },
    picked: [{ type: 'fwd', dev: U32_MAX }],
    fields: { dev: u32, addr: u32 },
    required: ['dev'],
  },
  hash: {
    example: { type: 'hash', sreg: 1, dreg: 2, len: 4, modulus: 10, seed: 0xdeadbeef, offset: 5, kind: 'jhash' },
    picked: [
      { type: 'hash', dreg: 1, modulus: 2, kind: 'symhash' },
      { type: 'hash', sreg: U32_MAX, dreg: U32_MAX, len: U32_MAX, modulus: U32_MAX, seed: U32_MAX, offset: U32_MAX, kind: 'jhash' },
      { type: 'hash', sreg: 0, dreg: 0, len: 0, modulus: 0, seed: 0, offset: 0, kind: 'jhash' },
    ],
    fields: { sreg: u32, dreg: u32, len: u32, modulus: u32, seed: u32, offset: u32 },
    required: ['dreg', 'modulus'],
  },
  inner: {
    example: {
      type: 'inner',
      num: 0,
      kind: 'vxlan',
      flags: ['hdrsize', 'll'],
      hdrsize: 8,
      expr: { type: 'meta', key: 'l4proto', dreg: 1 },
    },
    picked: [
      {
        type: 'inner',
        num: 0,
        kind: 0,
        flags: ['nh'],
        hdrsize: 4,
        expr: { type: 'payload', dreg: 1, base: 'network', offset: 12, len: 4 },
      },
    ],
    fields: { num: u32, hdrsize: u32, expr: insideTunnel },
    required: ['num', 'kind', 'flags', 'hdrsize', 'expr'],
  },
  last: {
    example: last,
    picked: [{ type: 'last' }, { type: 'last', set: 0 }, { type: 'last', set: U32_MAX, msecs: U64_MAX }],
    fields: { set: u32, msecs: u64 },
  },
  notrack: { example: { type: 'notrack' }, fields: {} },
  numgen: {
    example: { type: 'numgen', dreg: 1, modulus: 10, mode: 'inc', offset: 3 },
    picked: [
      { type: 'numgen', dreg: 1, modulus: U32_MAX, mode: 'random' },
      { type: 'numgen', dreg: 1, modulus: 1, mode: 'random', offset: 0 },
    ],
    fields: { dreg: u32, modulus: u32, offset: u32 },
    required: ['dreg', 'modulus', 'mode'],
  },
  objref: {
    example: { type: 'objref', kind: 'counter', name: 'c', sreg: 1, set: 'm', setId: 3 },
    picked: [
      { type: 'objref', kind: 'ct helper', name: 'x'.repeat(255) },
      { type: 'objref', sreg: U32_MAX, set: 'x'.repeat(255) },
    ],
    fields: { name: text(255), sreg: u32, set: text(255), setId: u32 },
  },
  osf: {
    example: { type: 'osf', dreg: 1, ttl: 'loose', flags: ['version'] },
    picked: [{ type: 'osf', dreg: U32_MAX }],
    fields: { dreg: u32 },
    required: ['dreg'],
  },
  queue: {
    example: { type: 'queue', num: 1, total: 4, flags: ['bypass', 'fanout'], sregQnum: 1 },
    picked: [
      { type: 'queue', num: 0 },
      { type: 'queue', num: 0xffff, total: 0xffff },
      { type: 'queue', sregQnum: U32_MAX, flags: ['bypass'] },
    ],
    fields: { num: u16, total: u16, sregQnum: u32 },
  },
  quota: {
    example: quota,
    picked: [
      { type: 'quota', bytes: 0n },
      { type: 'quota', bytes: U64_MAX, consumed: U64_MAX, flags: [] },
    ],
    fields: { bytes: u64, consumed: u64 },
    required: ['bytes'],
  },
  rt: { example: { type: 'rt', key: 'classid', dreg: 1 }, fields: { dreg: u32 }, required: ['key', 'dreg'] },
  socket: {
    example: { type: 'socket', key: 'cgroupv2', dreg: 1, level: 2 },
    picked: [{ type: 'socket', key: 'mark', dreg: U32_MAX }],
    fields: { dreg: u32, level: u32 },
    required: ['key', 'dreg'],
  },
  synproxy: {
    example: { type: 'synproxy', mss: 1460, wscale: 7, flags: ['mss', 'wscale'] },
    picked: [{ type: 'synproxy' }, { type: 'synproxy', mss: 0xffff, wscale: 0xff, flags: [] }],
    fields: { mss: u16, wscale: u8 },
  },
  tproxy: {
    example: { type: 'tproxy', family: 'ip', addr: 1, port: 2 },
    picked: [{ type: 'tproxy', family: 'ip6', port: U32_MAX }],
    fields: { addr: u32, port: u32 },
    required: ['family'],
  },
  tunnel: {
    example: { type: 'tunnel', key: 'id', dreg: 1, mode: 'rx' },
    picked: [{ type: 'tunnel', key: 'path', dreg: U32_MAX }],
    fields: { dreg: u32 },
    required: ['key', 'dreg'],
  },
  xfrm: {
    example: { type: 'xfrm', dreg: 1, key: 'spi', dir: 'in', spnum: 2 },
    picked: [{ type: 'xfrm', dreg: U32_MAX, key: 'reqid', dir: 'out', spnum: U32_MAX }],
    fields: { dreg: u32, spnum: u32 },
    required: ['dreg', 'key', 'dir'],
  },
};
