// nf_tables expressions → XtRule, whoever wrote them: both orders of base matches, any register (nft-ruleparse.c). What
// iptables-nft would not understand gives undefined: the rule is then shown as foreign and never damaged.
import type { Counter } from '../../model/ruleset.ts';
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import { decodeText } from '../../wire/text.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { Struct } from '../extensions/struct.ts';
import { type Writable, type XtAddress, type XtExtension, type XtInterface, type XtRule, type XtVerdict, xtAlign } from '../xt-rule.ts';
import { addressOffsets, INVALID_INTERFACE, IPHDR_FRAG_OFF, IPHDR_PROTOCOL } from './encode.ts';
import { INV_DSTPT, INV_SRCPT, LIMIT, LIMIT_SCALE, MARK, TCP, TCP_FLAGS, TCP_INV_FLAGS, UDP } from './native-matches.ts';

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IP6HDR_NEXTHDR = 6;

/** What a register holds. */
interface Loaded {
  readonly from: { readonly meta: unknown } | { readonly base: unknown; readonly offset: number; readonly len: number };
  readonly mask?: Uint8Array;
}
interface Comparison {
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly data: Uint8Array;
}

class Foreign extends Error {}

class Reader {
  readonly rule: Writable<XtRule> & { matches: XtExtension[] };
  readonly #registers = new Map<unknown, Loaded>();
  #ports: { readonly protocol: number; readonly struct: Struct } | undefined;

  constructor(family: IpFamily) {
    this.rule = { family, matches: [] };
  }

  read(e: AnyExpression): void {
    if (e['unknown'] !== undefined) throw new Foreign();
    // Nothing but a counter may follow the verdict or target.
    if (this.rule.target !== undefined && e.type !== 'counter') throw new Foreign();
    switch (e.type) {
      case 'meta':
        if (e['dreg'] === undefined) throw new Foreign();
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
        this.rule.target = verdict(e);
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

  #compare(l: Loaded, c: Comparison): void {
    if ('meta' in l.from) return this.#compareMeta(l.from.meta, l.mask, c);
    const { base, offset, len } = l.from;
    if (base === 'transport') return this.#compareTransport(offset, len, l.mask, c);
    if (base !== 'network') throw new Foreign();
    const not = inverted(c);
    const { family } = this.rule;
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
    if (mask !== undefined) throw new Foreign();
    if (offset === 0 && len === 4 && c.data.length === 4 && c.op === '==') {
      this.#port(0, port(c.data, 0), port(c.data, 0), false);
      return this.#port(2, port(c.data, 2), port(c.data, 2), false);
    }
    if (len !== 2 || c.data.length !== 2) throw new Foreign();
    const n = port(c.data, 0);
    if (c.op === '==' || c.op === '!=') return this.#port(offset, n, n, c.op === '!=');
    if (c.op === '<=') return this.#port(offset, 0, n, false);
    if (c.op === '>=') return this.#port(offset, n, 0xffff, false);
    if (c.op === '<' && n > 0) return this.#port(offset, 0, n - 1, false);
    if (c.op === '>' && n < 0xffff) return this.#port(offset, n + 1, 0xffff, false);
    throw new Foreign();
  }

  #range(l: Loaded, e: AnyExpression): void {
    const { from, to, op } = e as unknown as { from: Uint8Array; to: Uint8Array; op: string };
    const ports = 'base' in l.from && l.from.base === 'transport' && l.from.len === 2 && l.mask === undefined;
    if (!ports || !('base' in l.from) || from.length !== 2 || to.length !== 2) throw new Foreign();
    this.#port(l.from.offset, port(from, 0), port(to, 0), op === '!=');
  }

  /** The one tcp or udp match that the rule's port and flag expressions make up together. */
  #tcpudp(): { readonly protocol: number; readonly struct: Struct } {
    if (this.#ports !== undefined) return this.#ports;
    const protocol = this.rule.protocol;
    if (protocol === undefined || protocol.not || (protocol.number !== IPPROTO_TCP && protocol.number !== IPPROTO_UDP)) throw new Foreign();
    const tcp = protocol.number === IPPROTO_TCP;
    const data = new Uint8Array(xtAlign(tcp ? TCP.size : UDP.size));
    const struct = new Struct(data);
    struct.setU16(TCP.source + 2, 0xffff);
    struct.setU16(TCP.destination + 2, 0xffff);
    this.rule.matches.push({ name: tcp ? 'tcp' : 'udp', revision: 0, data });
    this.#ports = { protocol: protocol.number, struct };
    return this.#ports;
  }

  #port(offset: number, low: number, high: number, not: boolean): void {
    if (offset !== 0 && offset !== 2) throw new Foreign();
    const { protocol, struct } = this.#tcpudp();
    const at = offset === 0 ? TCP.source : TCP.destination;
    const invertAt = protocol === IPPROTO_TCP ? TCP.invert : UDP.invert;
    const bit = offset === 0 ? INV_SRCPT : INV_DSTPT;
    if (struct.u16(at) !== 0 || struct.u16(at + 2) !== 0xffff || (struct.u8(invertAt) & bit) !== 0) throw new Foreign();
    struct.setU16(at, low);
    struct.setU16(at + 2, high);
    if (not) struct.setU8(invertAt, struct.u8(invertAt) | bit);
  }

  #tcpFlags(mask: number, compare: number, not: boolean): void {
    const { protocol, struct } = this.#tcpudp();
    if (protocol !== IPPROTO_TCP || struct.u8(TCP.flagMask) !== 0) throw new Foreign();
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
    if (avg > 0xffffffffn) throw new Foreign();
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
  return { name: decodeText(data, 0, nul < 0 ? data.length : nul), prefix: nul < 0, not };
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
