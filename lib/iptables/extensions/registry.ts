// All extensions nflink knows, by the name after -m or -j and by the kernel's name, and the types that follow from them.
import { addrtype } from './addrtype.ts';
import type { Codec, IpFamily, OptionsOf, OptionTable } from './codec.ts';
import { comment } from './comment.ts';
import { connmark } from './connmark.ts';
import { conntrack } from './conntrack.ts';
import { dscp } from './dscp.ts';
import { hashlimit } from './hashlimit.ts';
import { icmp } from './icmp.ts';
import { ipcomp } from './ipcomp.ts';
import { iprange } from './iprange.ts';
import { ipvs } from './ipvs.ts';
import { length } from './length.ts';
import { limit } from './limit.ts';
import { mark } from './mark.ts';
import { multiport } from './multiport.ts';
import { nfacct } from './nfacct.ts';
import { osf } from './osf.ts';
import { pkttype } from './pkttype.ts';
import { policy } from './policy.ts';
import { quota } from './quota.ts';
import { rateest } from './rateest.ts';
import { realm } from './realm.ts';
import { recent } from './recent.ts';
import { rpfilter } from './rpfilter.ts';
import { set } from './set.ts';
import { socket } from './socket.ts';
import { state, stateOfKernel } from './state.ts';
import { statistic } from './statistic.ts';
import { Struct } from './struct.ts';
import { CT } from './target-ct.ts';
import { DNAT } from './target-dnat.ts';
import { LOG } from './target-log.ts';
import { MARK } from './target-mark.ts';
import { MASQUERADE } from './target-masquerade.ts';
import { NFLOG_TARGET } from './target-nflog.ts';
import { NOTRACK } from './target-notrack.ts';
import { REDIRECT } from './target-redirect.ts';
import { REJECT } from './target-reject.ts';
import { SNAT } from './target-snat.ts';
import { TPROXY } from './target-tproxy.ts';
import { TRACE } from './target-trace.ts';
import { tcp } from './tcp.ts';
import { tcpmss } from './tcpmss.ts';
import { tos } from './tos.ts';
import { ttl } from './ttl.ts';
import { udp } from './udp.ts';

const matches = [
  addrtype,
  comment,
  connmark,
  conntrack,
  dscp,
  hashlimit,
  icmp,
  ipcomp,
  iprange,
  ipvs,
  length,
  limit,
  mark,
  multiport,
  nfacct,
  osf,
  pkttype,
  policy,
  quota,
  rateest,
  realm,
  recent,
  rpfilter,
  set,
  socket,
  state,
  stateOfKernel,
  statistic,
  tcp,
  tcpmss,
  tos,
  ttl,
  udp,
] as const;
const targets = [CT, DNAT, LOG, MARK, MASQUERADE, NFLOG_TARGET, NOTRACK, REDIRECT, REJECT, SNAT, TPROXY, TRACE] as const;

type SpecOf<C> = C extends Codec<infer N, infer S extends OptionTable> ? { readonly name: N } & OptionsOf<S> : never;
/** One nflink doesn't know: its struct as bytes. */
export interface UnknownExtension {
  readonly name: string;
  readonly revision: number;
  readonly data: Uint8Array;
}
/** The built-in verdicts. */
export interface StandardTarget {
  readonly name: 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE';
}
export type Extension = SpecOf<(typeof matches)[number]> | SpecOf<(typeof targets)[number]> | StandardTarget | UnknownExtension;

type Kind = Codec['kind'];
/** Every extension nflink has. */
export const codecs = [...matches, ...targets] as readonly unknown[] as readonly Codec[];

function grouped(nameOf: (c: Codec) => string): Readonly<Record<Kind, ReadonlyMap<string, readonly Codec[]>>> {
  const groups = { match: new Map<string, Codec[]>(), target: new Map<string, Codec[]>() };
  for (const c of codecs) groups[c.kind].set(nameOf(c), [...(groups[c.kind].get(nameOf(c)) ?? []), c]);
  return groups;
}
const byName = grouped((c) => c.name);
const byKernelName = grouped((c) => c.kernelName ?? c.name);

/** The codec of `-m name` or `-j name`: of the family, or of any where none is given. */
export function codecOf(kind: Kind, name: string, family?: IpFamily): Codec | undefined {
  const found = byName[kind].get(name);
  return family === undefined ? found?.[0] : found?.find((c) => c.family === undefined || c.family === family);
}

/** The codec that reads a struct of the kernel's extension `name`; the one that claims it goes before the others. */
export function codecOfKernel(kind: Kind, name: string, revision: number, data: Uint8Array, family: IpFamily): Codec | undefined {
  const candidates = byKernelName[kind].get(name)?.filter((c) => c.family === undefined || c.family === family);
  if (candidates === undefined || candidates.length < 2) return candidates?.[0];
  const s = new Struct(data);
  return candidates.find((c) => c.claims?.(s, revision)) ?? candidates.find((c) => c.claims === undefined);
}
