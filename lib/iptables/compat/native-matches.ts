// Matches that iptables-nft writes as nf_tables' own expressions: tcp and udp ports and flags, mark, limit (nft.c
// add_nft_tcp, add_nft_udp, add_nft_mark, add_nft_limit). They are made from the same structs that legacy stores.
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import { SIZE as COMMENT_SIZE } from '../extensions/comment.ts';
import { LIMIT } from '../extensions/limit.ts';
import { MARK } from '../extensions/mark.ts';
import { Struct } from '../extensions/struct.ts';
import { INV_DSTPT, INV_SRCPT, TCP, TCP_INV_FLAGS, UDP } from '../extensions/tcpudp.ts';
import type { XtExtension } from '../xt-rule.ts';

const REG = 1;
const PORT_MAX = 0xffff;
/** Byte 13 of struct tcphdr holds the flags. */
export const TCP_FLAGS = 13;
/** XT_LIMIT_SCALE: avg counts 1/10000 seconds a packet. */
export const LIMIT_SCALE = 10000;
/** Units from the longest: nft.c tries a day, an hour, a minute, a second. */
const LIMIT_UNITS = [86400, 3600, 60, 1] as const;

interface Ports {
  readonly low: number;
  readonly high: number;
  readonly not: boolean;
}

/** The names of matches that may have a native form. */
export const nativeMatches: ReadonlySet<string> = new Set(['tcp', 'udp', 'mark', 'limit']);

/** The native form, or undefined where iptables-nft keeps the match. */
export function nativeMatch(m: XtExtension): AnyExpression[] | undefined {
  const s = new Struct(m.data);
  if (m.name === 'tcp' && m.revision === 0) return tcp(s);
  if (m.name === 'udp' && m.revision === 0) return udp(s);
  if (m.name === 'mark' && m.revision === 1) return mark(s);
  if (m.name === 'limit' && m.revision === 0) return limit(s);
  return undefined;
}

function tcp(s: Struct): AnyExpression[] | undefined {
  const invert = s.u8(TCP.invert);
  const source = ports(s, TCP.source, (invert & INV_SRCPT) !== 0);
  const destination = ports(s, TCP.destination, (invert & INV_DSTPT) !== 0);
  const flagMask = s.u8(TCP.flagMask);
  const out = tcpudp(source, destination);
  if (flagMask !== 0 || (invert & TCP_INV_FLAGS) !== 0) {
    out.push(
      load('transport', TCP_FLAGS, 1),
      mask(Uint8Array.of(flagMask)),
      compare((invert & TCP_INV_FLAGS) !== 0, Uint8Array.of(s.u8(TCP.flagCompare))),
    );
  }
  // An --tcp-option has no expression, and a match without any condition must not vanish.
  return s.u8(TCP.option) !== 0 || out.length === 0 ? undefined : out;
}

function udp(s: Struct): AnyExpression[] | undefined {
  const invert = s.u8(UDP.invert);
  const out = tcpudp(ports(s, UDP.source, (invert & INV_SRCPT) !== 0), ports(s, UDP.destination, (invert & INV_DSTPT) !== 0));
  return out.length === 0 ? undefined : out;
}

function ports(s: Struct, at: number, not: boolean): Ports {
  return { low: s.u16(at), high: s.u16(at + 2), not };
}

function tcpudp(source: Ports, destination: Ports): AnyExpression[] {
  if (single(source) && single(destination)) {
    return [load('transport', 0, 4), compare(false, Uint8Array.of(...be16(source.low), ...be16(destination.low)))];
  }
  return [...portRange(0, source), ...portRange(2, destination)];
}

function single(p: Ports): boolean {
  return !p.not && p.low !== 0 && p.low === p.high;
}

function portRange(offset: number, p: Ports): AnyExpression[] {
  if (p.low === 0 && p.high === PORT_MAX && !p.not) return [];
  const head = load('transport', offset, 2);
  if (p.low === p.high) return [head, compare(p.not, be16(p.low))];
  // 0:4 is "<= 4". The real tool writes !0:4 as "> 4" and reads it back as 5:65535; a range keeps what was written.
  if (p.low === 0 && !p.not) return [head, { type: 'cmp', sreg: REG, op: '<=', data: be16(p.high) }];
  return [head, { type: 'range', sreg: REG, op: p.not ? '!=' : '==', from: be16(p.low), to: be16(p.high) }];
}

function mark(s: Struct): AnyExpression[] {
  const m = s.copy(MARK.mask, 4);
  const masked = m.some((byte) => byte !== 0xff) ? [mask(m)] : [];
  return [{ type: 'meta', key: 'mark', dreg: REG }, ...masked, compare(s.u8(MARK.invert) !== 0, s.copy(MARK.mark, 4))];
}

function limit(s: Struct): AnyExpression[] | undefined {
  const avg = s.u32(LIMIT.avg);
  if (avg === 0) return undefined;
  // The longest unit in which the rate loses less than one part (nft.c add_nft_limit).
  let i = 1;
  for (; i < LIMIT_UNITS.length; i++) {
    const scaled = (LIMIT_UNITS[i] as number) * LIMIT_SCALE;
    if (avg > scaled || Math.floor(scaled / avg) < scaled % avg) break;
  }
  const unit = LIMIT_UNITS[i - 1] as number;
  const rate = BigInt(Math.floor((unit * LIMIT_SCALE) / avg));
  return [{ type: 'limit', rate, unit: BigInt(unit), burst: s.u32(LIMIT.burst), per: 'packets', flags: [] }];
}

/** nft's comment as iptables-nft shows it. */
export function commentMatch(comment: string): XtExtension {
  const data = new Uint8Array(COMMENT_SIZE);
  new Struct(data).setText(0, COMMENT_SIZE, comment);
  return { name: 'comment', revision: 0, data };
}

export function be16(n: number): Uint8Array {
  return Uint8Array.of(n >> 8, n & 0xff);
}
export function load(base: 'network' | 'transport', offset: number, len: number): AnyExpression {
  return { type: 'payload', dreg: REG, base, offset, len };
}
export function mask(m: Uint8Array): AnyExpression {
  return { type: 'bitwise', sreg: REG, dreg: REG, op: 'mask-xor', len: m.length, mask: m, xor: new Uint8Array(m.length) };
}
export function compare(not: boolean, data: Uint8Array): AnyExpression {
  return { type: 'cmp', sreg: REG, op: not ? '!=' : '==', data };
}
export function loadMeta(key: string): AnyExpression {
  return { type: 'meta', key, dreg: REG };
}
