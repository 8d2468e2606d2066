// XtRule → nf_tables expressions, in the order iptables-nft 1.8.10 and later write them: addresses, interfaces, protocol,
// fragment, matches as given, counter, target (nft-ipv4.c nft_ipv4_add, nft-ipv6.c nft_ipv6_add).
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import { encodeText } from '../../wire/text.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { XtAddress, XtExtension, XtInterface, XtRule, XtVerdict } from '../xt-rule.ts';
import { compare, load, loadMeta, mask, nativeMatch } from './native-matches.ts';
import { nativeTarget } from './native-targets.ts';

/** Offsets in struct iphdr and struct ip6_hdr. */
export const addressOffsets: Readonly<Record<IpFamily, { readonly source: number; readonly destination: number }>> = {
  ip: { source: 12, destination: 16 },
  ip6: { source: 8, destination: 24 },
};
export const IPHDR_PROTOCOL = 9;
export const IPHDR_FRAG_OFF = 6;
/** IP_OFFMASK in network order: the low 13 bits. */
export const FRAG_MASK: Uint8Array = Uint8Array.of(0x1f, 0xff);
/** What iptables-nft compares with for `! -i +`, which no interface matches. */
export const INVALID_INTERFACE: Uint8Array = Uint8Array.from('INVAL/D\0', (c) => c.charCodeAt(0));

export function ruleExpressions(rule: XtRule): AnyExpression[] {
  const out: AnyExpression[] = [];
  const offsets = addressOffsets[rule.family];
  if (rule.source !== undefined) out.push(...address(offsets.source, rule.source));
  if (rule.destination !== undefined) out.push(...address(offsets.destination, rule.destination));
  if (rule.inInterface !== undefined) out.push(...device('iifname', rule.inInterface));
  if (rule.outInterface !== undefined) out.push(...device('oifname', rule.outInterface));
  if (rule.protocol !== undefined) {
    out.push(
      rule.family === 'ip' ? load('network', IPHDR_PROTOCOL, 1) : loadMeta('l4proto'),
      compare(rule.protocol.not, Uint8Array.of(rule.protocol.number)),
    );
  }
  if (rule.fragment !== undefined) {
    // A fragment is what has an offset.
    out.push(load('network', IPHDR_FRAG_OFF, 2), mask(FRAG_MASK), compare(!rule.fragment.not, new Uint8Array(2)));
  }
  for (const m of rule.matches) out.push(...(nativeMatch(m) ?? [extension('match', m)]));
  out.push({ type: 'counter', bytes: rule.counter?.bytes ?? 0n, packets: rule.counter?.packets ?? 0n });
  if (rule.target === undefined) return out;
  if ('verdict' in rule.target) out.push(verdict(rule.target));
  else out.push(...(nativeTarget(rule.target) ?? [extension('target', rule.target)]));
  return out;
}

function address(offset: number, a: XtAddress): AnyExpression[] {
  const ones = a.mask.findIndex((byte) => byte !== 0xff);
  const whole = ones < 0 ? a.mask.length : ones;
  // A prefix of whole bytes needs no mask: fewer bytes are loaded. An empty one never gets here but inverted.
  const short = whole > 0 && a.mask.subarray(whole).every((byte) => byte === 0);
  if (short) return [load('network', offset, whole), compare(a.not, a.address.slice(0, whole))];
  return [load('network', offset, a.mask.length), mask(a.mask), compare(a.not, a.address)];
}

function device(key: 'iifname' | 'oifname', i: XtInterface): AnyExpression[] {
  if (i.prefix && i.name === '') return i.not ? [loadMeta(key), compare(false, INVALID_INTERFACE)] : [];
  const text = encodeText(i.name);
  // A whole name is compared with its NUL, a prefix without.
  const data = i.prefix ? text : Uint8Array.of(...text, 0);
  return [loadMeta(key), compare(i.not, data)];
}

function extension(type: 'match' | 'target', e: XtExtension): AnyExpression {
  return { type, name: e.name, rev: e.revision, info: e.data };
}

function verdict(v: XtVerdict): AnyExpression {
  return { type: 'immediate', dreg: 0, data: 'chain' in v ? { verdict: v.verdict, chain: v.chain } : { verdict: v.verdict } };
}
