// nf_tables expressions → XtRule, whoever wrote them: both orders of base matches, any register (nft-ruleparse.c). What
// iptables-nft would not understand gives undefined: the rule is then shown as foreign and never damaged.
import type { Counter } from '../../model/ruleset.ts';
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import type { RuleDump } from '../../nftables/installed-rule.ts';
import { decodeText } from '../../wire/text.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { HOP_LIMIT, hopLimitModes } from '../extensions/hop-limit-match.ts';
import { ICMP } from '../extensions/icmp-type.ts';
import { LIMIT } from '../extensions/limit.ts';
import { MARK } from '../extensions/mark.ts';
import { PKTTYPE } from '../extensions/pkttype.ts';
import { Struct } from '../extensions/struct.ts';
import { INV_DSTPT, INV_SRCPT, TCP, TCP_INV_FLAGS, UDP } from '../extensions/tcpudp.ts';
import { type Writable, type XtAddress, type XtExtension, type XtInterface, type XtRule, type XtVerdict, xtAlign } from '../xt-rule.ts';
import { addressOffsets, INVALID_INTERFACE, IPHDR_FRAG_OFF, IPHDR_PROTOCOL } from './encode.ts';
import { commentMatch, LIMIT_SCALE, TCP_FLAGS } from './native-matches.ts';
import { nflogTarget, TRACE } from './native-targets.ts';

const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IP6HDR_NEXTHDR = 6;
const IPHDR_TTL = 8;

/** What a register holds. */
interface Loaded {
  readonly from:
    | { readonly meta: unknown }
    | { readonly base: unknown; readonly offset: number; readonly len: number }
    | { readonly value: Uint8Array };
  readonly mask?: Uint8Array;
}
interface Comparison {
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly data: Uint8Array;
}

class Foreign extends Error {}

/** The tcp or udp match that port and flag expressions make up together, until one comes that it has already. */
interface Transport {
  readonly protocol: number;
  readonly struct: Struct;
  /** Ports with one bound so far (`>=`), by their offset: the other bound may follow. */
  readonly open: Map<number, '>=' | '<='>;
}

class Reader {
  readonly rule: Writable<XtRule> & { matches: XtExtension[] };
  readonly #registers = new Map<unknown, Loaded>();
  #transport: Transport | undefined;

  constructor(family: IpFamily) {
    this.rule = { family, matches: [] };
  }

  read(e: AnyExpression): void {
    if (e['unknown'] !== undefined) throw new Foreign();
    // Nothing but a counter may follow the verdict or target.
    if (this.rule.target !== undefined && e.type !== 'counter') throw new Foreign();
    switch (e.type) {
      case 'meta':
        if (e['dreg'] === undefined) return this.#setMeta(e);
        return void this.#registers.set(e['dreg'], { from: { meta: e['key'] } });
      case 'payload':
        if (e['dreg'] === undefined) throw new Foreign();
        return void this.#registers.set(e['dreg'], { from: { base: e['base'], offset: e['offset'] as number, len: e['len'] as number } });
      case 'bitwise':
        return this.#bitwise(e);
      case 'cmp':
        return this.#compare(this.#loaded(e['sreg']), { op: e['op'] as Comparison['op'], data: e['data'] as Uint8Array });
      case 'range':
        return this.#range(this.#loaded(e['sreg']), e);
      case 'counter':
        if (this.rule.counter !== undefined) throw new Foreign();
        this.rule.counter = { packets: e['packets'], bytes: e['bytes'] } as Counter;
        return;
      case 'limit':
        return this.#limit(e);
      case 'match':
        return void this.rule.matches.push(extension(e));
      case 'target':
        this.rule.target = extension(e);
        return;
      case 'immediate':
        if (e['data'] instanceof Uint8Array) return void this.#registers.set(e['dreg'], { from: { value: e['data'] } });
        this.rule.target = verdict(e);
        return;
      case 'log':
        this.rule.target = nflogTarget(e) ?? foreign();
        return;
      default:
        throw new Foreign();
    }
  }

  #loaded(register: unknown): Loaded {
    const loaded = this.#registers.get(register);
    if (loaded === undefined) throw new Foreign();
    return loaded;
  }

  #bitwise(e: AnyExpression): void {
    const loaded = this.#loaded(e['sreg']);
    const { mask, xor, op } = e as { mask?: Uint8Array; xor?: Uint8Array; op?: string };
    const plain = (op === undefined || op === 'mask-xor') && xor?.every((byte) => byte === 0) === true;
    if (!plain || mask === undefined || loaded.mask !== undefined) throw new Foreign();
    this.#registers.set(e['dreg'], { from: loaded.from, mask });
  }

  /** `meta nftrace set 1` is -j TRACE. */
  #setMeta(e: AnyExpression): void {
    const { from } = this.#loaded(e['sreg']);
    if (e['key'] !== 'nftrace' || !('value' in from) || from.value.length !== 1 || from.value[0] !== 1) throw new Foreign();
    this.rule.target = TRACE;
  }

  #compare(l: Loaded, c: Comparison): void {
    if ('value' in l.from) throw new Foreign();
    if ('meta' in l.from) return this.#compareMeta(l.from.meta, l.mask, c);
    const { base, offset, len } = l.from;
    if (base === 'transport') return this.#compareTransport(offset, len, l.mask, c);
    if (base !== 'network') throw new Foreign();
    const { family } = this.rule;
    if (family === 'ip' && offset === IPHDR_TTL && len === 1 && l.mask === undefined) return void this.rule.matches.push(ttlMatch(c));
    const not = inverted(c);
    const protocolAt = family === 'ip' ? IPHDR_PROTOCOL : IP6HDR_NEXTHDR;
    const width = family === 'ip' ? 4 : 16;
    const at = addressOffsets[family];
    if (offset === protocolAt && len === 1 && l.mask === undefined) this.#protocol(c.data, not);
    else if (offset === at.source && len <= width) this.#once('source', address(c.data, l.mask, width, not));
    else if (offset === at.destination && len <= width) this.#once('destination', address(c.data, l.mask, width, not));
    else if (
      family === 'ip' &&
      offset === IPHDR_FRAG_OFF &&
      len === 2 &&
      l.mask?.[0] === 0x1f &&
      l.mask[1] === 0xff &&
      c.data.every((byte) => byte === 0)
    ) {
      this.#once('fragment', { not: !not });
    } else throw new Foreign();
  }

  #compareMeta(key: unknown, mask: Uint8Array | undefined, c: Comparison): void {
    const not = inverted(c);
    if (key === 'mark') return void this.rule.matches.push(markMatch(c.data, mask, not));
    if (mask !== undefined) throw new Foreign();
    if (key === 'l4proto') this.#protocol(c.data, not);
    else if (key === 'iifname') this.#once('inInterface', device(c.data, not));
    else if (key === 'oifname') this.#once('outInterface', device(c.data, not));
    else if (key === 'pkttype') this.rule.matches.push(pkttypeMatch(c.data, not));
    else throw new Foreign();
  }

  /** A base field stands once; a second one would be lost. */
  #once<K extends 'source' | 'destination' | 'fragment' | 'inInterface' | 'outInterface' | 'protocol'>(
    key: K,
    value: NonNullable<XtRule[K]>,
  ): void {
    if (this.rule[key] !== undefined) throw new Foreign();
    (this.rule as Record<K, XtRule[K]>)[key] = value;
  }

  #protocol(data: Uint8Array, not: boolean): void {
    if (data.length !== 1) throw new Foreign();
    this.#once('protocol', { number: data[0] as number, not });
  }

  #compareTransport(offset: number, len: number, mask: Uint8Array | undefined, c: Comparison): void {
    if (offset === TCP_FLAGS && len === 1 && mask !== undefined) return this.#tcpFlags(mask[0] as number, c.data[0] as number, inverted(c));
    if (mask !== undefined || c.data.length !== len) throw new Foreign();
    if (this.rule.family === 'ip' && this.rule.protocol?.number === IPPROTO_ICMP) return this.#icmp(offset, c);
    if (offset === 0 && len === 4) {
      // Both ports at once. 1.8.9 writes `! --sport 1 ! --dport 2` so too, though the kernel then lets packets pass that differ in one.
      const not = inverted(c);
      this.#port(0, port(c.data, 0), port(c.data, 0), not);
      this.#port(2, port(c.data, 2), port(c.data, 2), not);
      return;
    }
    if (len !== 2) throw new Foreign();
    const n = port(c.data, 0);
    if (c.op === '==' || c.op === '!=') return void this.#port(offset, n, n, c.op === '!=');
    if (c.op === '<=') return this.#bound(offset, '<=', n);
    if (c.op === '>=') return this.#bound(offset, '>=', n);
    if (c.op === '<' && n > 0) return this.#bound(offset, '<=', n - 1);
    if (c.op === '>' && n < 0xffff) return this.#bound(offset, '>=', n + 1);
    throw new Foreign();
  }

  /** `icmp type` and `icmp type … code …` as nft writes them. */
  #icmp(offset: number, c: Comparison): void {
    const { length } = c.data;
    if (offset !== 0 || length > 2 || this.rule.protocol?.not === true) throw new Foreign();
    const data = new Uint8Array(xtAlign(ICMP.size));
    data[ICMP.type] = c.data[0] as number;
    data[ICMP.code] = length === 2 ? (c.data[1] as number) : 0;
    data[ICMP.code + 1] = length === 2 ? (c.data[1] as number) : 255;
    data[ICMP.invert] = inverted(c) ? 1 : 0;
    this.rule.matches.push({ name: 'icmp', revision: 0, data });
  }

  #range(l: Loaded, e: AnyExpression): void {
    const { from, to, op } = e as unknown as { from: Uint8Array; to: Uint8Array; op: string };
    const ports = 'base' in l.from && l.from.base === 'transport' && l.from.len === 2 && l.mask === undefined;
    if (!ports || !('base' in l.from) || from.length !== 2 || to.length !== 2) throw new Foreign();
    this.#port(l.from.offset, port(from, 0), port(to, 0), op === '!=');
  }

  /** The match that a field goes to: a new one where the last has the field already. */
  #transportMatch(has: (t: Transport) => boolean): Transport {
    if (this.#transport !== undefined && !has(this.#transport)) return this.#transport;
    const { protocol } = this.rule;
    if (protocol === undefined || (protocol.number !== IPPROTO_TCP && protocol.number !== IPPROTO_UDP)) throw new Foreign();
    const tcp = protocol.number === IPPROTO_TCP;
    const data = new Uint8Array(xtAlign(tcp ? TCP.size : UDP.size));
    const struct = new Struct(data);
    struct.setU16(TCP.source + 2, 0xffff);
    struct.setU16(TCP.destination + 2, 0xffff);
    this.rule.matches.push({ name: tcp ? 'tcp' : 'udp', revision: 0, data });
    this.#transport = { protocol: protocol.number, struct, open: new Map() };
    return this.#transport;
  }

  #port(offset: number, low: number, high: number, not: boolean): Transport {
    if (offset !== 0 && offset !== 2) throw new Foreign();
    const at = offset === 0 ? TCP.source : TCP.destination;
    const bit = offset === 0 ? INV_SRCPT : INV_DSTPT;
    const transport = this.#transportMatch(
      ({ protocol, struct }) => struct.u16(at) !== 0 || struct.u16(at + 2) !== 0xffff || (struct.u8(invertAt(protocol)) & bit) !== 0,
    );
    const { protocol, struct } = transport;
    struct.setU16(at, low);
    struct.setU16(at + 2, high);
    if (not) struct.setU8(invertAt(protocol), struct.u8(invertAt(protocol)) | bit);
    return transport;
  }

  /** nft writes a range as two comparisons. */
  #bound(offset: number, op: '>=' | '<=', n: number): void {
    const open = this.#transport?.open.get(offset);
    const at = (offset === 0 ? TCP.source : TCP.destination) + (op === '<=' ? 2 : 0);
    if (this.#transport !== undefined && open !== undefined && open !== op) {
      this.#transport.struct.setU16(at, n);
      this.#transport.open.delete(offset);
      return;
    }
    const transport = this.#port(offset, op === '>=' ? n : 0, op === '<=' ? n : 0xffff, false);
    transport.open.set(offset, op);
  }

  #tcpFlags(mask: number, compare: number, not: boolean): void {
    const { protocol, struct } = this.#transportMatch(
      (t) => t.struct.u8(TCP.flagMask) !== 0 || (t.struct.u8(invertAt(t.protocol)) & TCP_INV_FLAGS) !== 0,
    );
    if (protocol !== IPPROTO_TCP) throw new Foreign();
    struct.setU8(TCP.flagMask, mask);
    struct.setU8(TCP.flagCompare, compare);
    if (not) struct.setU8(TCP.invert, struct.u8(TCP.invert) | TCP_INV_FLAGS);
  }

  #limit(e: AnyExpression): void {
    const { rate, unit, burst, per, flags } = e as unknown as {
      rate: bigint;
      unit: bigint;
      burst?: number;
      per?: string;
      flags?: readonly unknown[];
    };
    if ((per !== undefined && per !== 'packets') || (flags !== undefined && flags.length > 0) || rate === 0n) throw new Foreign();
    const avg = (BigInt(LIMIT_SCALE) * unit) / rate;
    // More than 10,000 a second has no value in xt_rateinfo: the real save prints "inf", which nothing reads.
    if (avg === 0n || avg > 0xffffffffn) throw new Foreign();
    const data = new Uint8Array(xtAlign(LIMIT.size));
    const s = new Struct(data);
    s.setU32(LIMIT.avg, Number(avg));
    s.setU32(LIMIT.burst, burst ?? 0);
    this.rule.matches.push({ name: 'limit', revision: 0, data });
  }
}

/** The rule, or undefined where an expression has no place in an iptables rule. */
export function readExpressions(family: IpFamily, expressions: readonly AnyExpression[]): XtRule | undefined {
  const reader = new Reader(family);
  try {
    for (const e of expressions) reader.read(e);
  } catch (err) {
    if (err instanceof Foreign) return undefined;
    throw err;
  }
  return reader.rule;
}

/** A rule of a dump. nft's own comment, kept beside the expressions, is shown as -m comment after the other matches. */
export function readRow(family: IpFamily, dump: RuleDump, row: number): XtRule | undefined {
  const rule = readExpressions(family, dump.expressions(row));
  const comment = rule === undefined ? undefined : dump.comment(row);
  return rule === undefined || comment === undefined ? rule : { ...rule, matches: [...rule.matches, commentMatch(comment)] };
}

/**
 * Whether the real save takes the expression for its own (nft.c nft_is_expr_compatible). One it does not makes it leave out the whole
 * table; what it takes, it may still read wrongly or end at.
 */
export function isCompatible(e: AnyExpression): boolean {
  switch (e.type) {
    case 'limit':
      return (e['per'] === undefined || e['per'] === 'packets') && ((e['flags'] as readonly unknown[] | undefined)?.length ?? 0) === 0;
    case 'log':
      return e['group'] !== undefined;
    case 'bitwise':
      return e['op'] === undefined || e['op'] === 'mask-xor';
    default:
      return compatible.has(e.type);
  }
}
const compatible: ReadonlySet<string> = new Set(['match', 'target', 'payload', 'meta', 'cmp', 'counter', 'immediate', 'lookup', 'range']);

function foreign(): never {
  throw new Foreign();
}

function invertAt(protocol: number): number {
  return protocol === IPPROTO_TCP ? TCP.invert : UDP.invert;
}

function ttlMatch(c: Comparison): XtExtension {
  const value = c.data[0];
  const bound = c.op === '<=' ? 1 : c.op === '>=' ? -1 : 0;
  const mode = hopLimitModes[c.op === '<=' ? '<' : c.op === '>=' ? '>' : c.op];
  if (value === undefined || c.data.length !== 1 || value + bound < 0 || value + bound > 255) throw new Foreign();
  const data = new Uint8Array(xtAlign(HOP_LIMIT.size));
  data[HOP_LIMIT.mode] = mode;
  data[HOP_LIMIT.value] = value + bound;
  return { name: 'ttl', revision: 0, data };
}

function pkttypeMatch(value: Uint8Array, not: boolean): XtExtension {
  if (value.length !== 1) throw new Foreign();
  const data = new Uint8Array(xtAlign(PKTTYPE.size));
  data[PKTTYPE.type] = value[0] as number;
  data[PKTTYPE.invert] = not ? 1 : 0;
  return { name: 'pkttype', revision: 0, data };
}

function inverted(c: Comparison): boolean {
  if (c.op !== '==' && c.op !== '!=') throw new Foreign();
  return c.op === '!=';
}

function port(data: Uint8Array, at: number): number {
  return ((data[at] as number) << 8) | (data[at + 1] as number);
}

function address(data: Uint8Array, mask: Uint8Array | undefined, width: number, not: boolean): XtAddress {
  if (mask !== undefined && (mask.length !== width || data.length !== width)) throw new Foreign();
  const full = new Uint8Array(width);
  full.set(data);
  const m = mask ?? Uint8Array.from({ length: width }, (_, i) => (i < data.length ? 0xff : 0));
  return { address: full, mask: m, not };
}

function device(data: Uint8Array, not: boolean): XtInterface {
  if (!not && data.length === INVALID_INTERFACE.length && data.every((byte, i) => byte === INVALID_INTERFACE[i]))
    return { name: '', prefix: true, not: true };
  const nul = data.indexOf(0);
  const name = decodeText(data, 0, nul < 0 ? data.length : nul);
  // A line's end would end the line of save text.
  if (name.includes('\n')) throw new Foreign();
  return { name, prefix: nul < 0, not };
}

function markMatch(value: Uint8Array, mask: Uint8Array | undefined, not: boolean): XtExtension {
  if (value.length !== 4 || (mask !== undefined && mask.length !== 4)) throw new Foreign();
  const data = new Uint8Array(xtAlign(MARK.size));
  data.set(value, MARK.mark);
  data.set(mask ?? Uint8Array.of(0xff, 0xff, 0xff, 0xff), MARK.mask);
  data[MARK.invert] = not ? 1 : 0;
  return { name: 'mark', revision: 1, data };
}

function extension(e: AnyExpression): XtExtension {
  return { name: e['name'] as string, revision: e['rev'] as number, data: e['info'] as Uint8Array };
}

function verdict(e: AnyExpression): XtVerdict {
  const data = e['data'] as { readonly verdict?: unknown; readonly chain?: string; readonly unknown?: unknown } | Uint8Array;
  if (data instanceof Uint8Array || data.unknown !== undefined) throw new Foreign();
  const { verdict: word, chain } = data;
  if ((word === 'jump' || word === 'goto') && chain !== undefined) return { verdict: word, chain };
  if (word === 'accept' || word === 'drop' || word === 'return' || word === 'queue') return { verdict: word };
  throw new Foreign();
}
