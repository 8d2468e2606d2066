// Builders of what becomes of a packet: verdicts, logging, address translation, copies, xtables extensions.
import { type Known, NFT_REG_1, NFT_REG_VERDICT, type Options } from './known.ts';

function verdict(word: 'accept' | 'drop' | 'return' | 'continue' | 'jump' | 'goto', chain?: string): Known<'immediate'> {
  return { type: 'immediate', dreg: NFT_REG_VERDICT, data: chain === undefined ? { verdict: word } : { verdict: word, chain } };
}
export const accept = (): Known<'immediate'> => verdict('accept');
export const drop = (): Known<'immediate'> => verdict('drop');
export const jump = (chain: string): Known<'immediate'> => verdict('jump', chain);
export const goto = (chain: string): Known<'immediate'> => verdict('goto', chain);
/** The `return` verdict; `return` is no name in JavaScript. */
export const return_ = (): Known<'immediate'> => verdict('return');
/** The `continue` verdict; `continue` is no name in JavaScript. */
export const continue_ = (): Known<'immediate'> => verdict('continue');

export function log(o: Options<'log', never> = {}): Known<'log'> {
  return { type: 'log', ...o };
}
/** Hands the packet to a program that listens on queue `num`, 0..65535, or the queue whose number is in `sregQnum`. */
export function queue(o: Options<'queue', never> = { num: 0 }): Known<'queue'> {
  return { type: 'queue', ...o };
}
export function nat(kind: 'snat' | 'dnat', family: 'ip' | 'ip6', o: Options<'nat', 'kind' | 'family'> = {}): Known<'nat'> {
  return { type: 'nat', kind, family, ...o };
}
export function masq(o: Options<'masq', never> = {}): Known<'masq'> {
  return { type: 'masq', ...o };
}
export function redir(o: Options<'redir', never> = {}): Known<'redir'> {
  return { type: 'redir', ...o };
}
/** To a local socket whose address and port are in registers; `any` in an inet table, without an address. */
export function tproxy(family: 'ip' | 'ip6' | 'any', o: Options<'tproxy', 'family'>): Known<'tproxy'> {
  return { type: 'tproxy', family, ...o };
}
/** `code`: the ICMP or ICMPv6 code, for icmpx NFT_REJECT_ICMPX_*. */
export function reject(kind: 'icmp' | 'tcp reset' | 'icmpx', code?: number): Known<'reject'> {
  return code === undefined ? { type: 'reject', kind } : { type: 'reject', kind, code };
}
/** Answers a handshake for the server. `mss` and `wscale` (0..14) are used when given; `flags` are the other options. */
export function synproxy(
  o: { mss?: number; wscale?: number; flags?: readonly ('sack-perm' | 'timestamp' | 'ecn')[] } = {},
): Known<'synproxy'> {
  const { flags = [], ...rest } = o;
  const given = [...(o.mss === undefined ? [] : (['mss'] as const)), ...(o.wscale === undefined ? [] : (['wscale'] as const))];
  return { type: 'synproxy', ...rest, flags: [...given, ...flags] };
}
/** Sends a copy to the address in register `addr`, through the device whose index is in register `dev`. netdev: `dev` only. */
export function dup(o: Options<'dup', never> = { addr: NFT_REG_1 }): Known<'dup'> {
  return { type: 'dup', ...o };
}
/** netdev: sends the packet out of the device whose index is in register `dev`. `addr` needs `family`. */
export function fwd(o: Partial<Options<'fwd', never>> = {}): Known<'fwd'> {
  return { type: 'fwd', dev: NFT_REG_1, ...o };
}
/** The packet is not tracked; in a chain before conntrack's (priority raw). */
export function notrack(): Known<'notrack'> {
  return { type: 'notrack' };
}
/** Puts the packet's connection in a flow table of the same table. */
export function flow_offload(flowtable: string): Known<'flow_offload'> {
  return { type: 'flow_offload', flowtable };
}
/** An xtables match by name, revision and struct. */
export function match(name: string, rev: number, info: Uint8Array): Known<'match'> {
  return { type: 'match', name, rev, info };
}
/** An xtables target by name, revision and struct. */
export function target(name: string, rev: number, info: Uint8Array): Known<'target'> {
  return { type: 'target', name, rev, info };
}
