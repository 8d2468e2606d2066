// All extensions nflink knows, by the name after -m or -j and by the kernel's name, and the types that follow from them.

import { addrtype } from './addrtype.ts';
import { ah4, ah6 } from './ah.ts';
import { bpf } from './bpf.ts';
import { cgroup } from './cgroup.ts';
import { cluster } from './cluster.ts';
import type { Codec, IpFamily, OptionsOf, OptionTable } from './codec.ts';
import { comment } from './comment.ts';
import { connbytes } from './connbytes.ts';
import { connlabel } from './connlabel.ts';
import { connlimit } from './connlimit.ts';
import { connmark } from './connmark.ts';
import { conntrack } from './conntrack.ts';
import { cpu } from './cpu.ts';
import { dccp } from './dccp.ts';
import { devgroup } from './devgroup.ts';
import { dscp } from './dscp.ts';
import { dst } from './dst.ts';
import { ecn } from './ecn.ts';
import { esp } from './esp.ts';
import { eui64 } from './eui64.ts';
import { frag } from './frag.ts';
import { hashlimit } from './hashlimit.ts';
import { hbh } from './hbh.ts';
import { helper } from './helper.ts';
import { hl } from './hl.ts';
import { icmp } from './icmp.ts';
import { icmp6 } from './icmp6.ts';
import { ipcomp } from './ipcomp.ts';
import { iprange } from './iprange.ts';
import { ipv6header } from './ipv6header.ts';
import { ipvs } from './ipvs.ts';
import { length } from './length.ts';
import { limit } from './limit.ts';
import { mac } from './mac.ts';
import { mark } from './mark.ts';
import { mh } from './mh.ts';
import { multiport } from './multiport.ts';
import { nfacct } from './nfacct.ts';
import { osf } from './osf.ts';
import { owner } from './owner.ts';
import { physdev } from './physdev.ts';
import { pkttype } from './pkttype.ts';
import { policy } from './policy.ts';
import { quota } from './quota.ts';
import { rateest } from './rateest.ts';
import { realm } from './realm.ts';
import { recent } from './recent.ts';
import { rpfilter } from './rpfilter.ts';
import { rt } from './rt.ts';
import { sctp } from './sctp.ts';
import { set } from './set.ts';
import { socket } from './socket.ts';
import { srh } from './srh.ts';
import { state, stateOfKernel } from './state.ts';
import { statistic } from './statistic.ts';
import { string } from './string.ts';
import { Struct } from './struct.ts';
import { AUDIT } from './target-audit.ts';
import { CHECKSUM } from './target-checksum.ts';
import { CLASSIFY } from './target-classify.ts';
import { CLUSTERIP } from './target-clusterip.ts';
import { CONNMARK } from './target-connmark.ts';
import { CONNSECMARK } from './target-connsecmark.ts';
import { CT } from './target-ct.ts';
import { DNAT } from './target-dnat.ts';
import { DSCP } from './target-dscp.ts';
import { ECN } from './target-ecn.ts';
import { HL_TARGET } from './target-hl.ts';
import { HMARK } from './target-hmark.ts';
import { IDLETIMER } from './target-idletimer.ts';
import { LED } from './target-led.ts';
import { LOG } from './target-log.ts';
import { MARK } from './target-mark.ts';
import { MASQUERADE } from './target-masquerade.ts';
import { NETMAP } from './target-netmap.ts';
import { NFLOG_TARGET } from './target-nflog.ts';
import { NFQUEUE } from './target-nfqueue.ts';
import { NOTRACK } from './target-notrack.ts';
import { DNPT, SNPT } from './target-npt.ts';
import { RATEEST } from './target-rateest.ts';
import { REDIRECT } from './target-redirect.ts';
import { REJECT } from './target-reject.ts';
import { SECMARK } from './target-secmark.ts';
import { SET } from './target-set.ts';
import { SNAT } from './target-snat.ts';
import { SYNPROXY } from './target-synproxy.ts';
import { TCPMSS } from './target-tcpmss.ts';
import { TCPOPTSTRIP } from './target-tcpoptstrip.ts';
import { TEE } from './target-tee.ts';
import { TOS } from './target-tos.ts';
import { TPROXY } from './target-tproxy.ts';
import { TRACE } from './target-trace.ts';
import { TTL_TARGET } from './target-ttl.ts';
import { ULOG } from './target-ulog.ts';
import { tcp } from './tcp.ts';
import { tcpmss } from './tcpmss.ts';
import { time } from './time.ts';
import { tos } from './tos.ts';
import { ttl } from './ttl.ts';
import { u32 } from './u32.ts';
import { udp } from './udp.ts';

const matches = [
  addrtype,
  ah4,
  ah6,
  bpf,
  cgroup,
  cluster,
  comment,
  connbytes,
  connlabel,
  connlimit,
  connmark,
  conntrack,
  cpu,
  dccp,
  devgroup,
  dscp,
  dst,
  ecn,
  esp,
  eui64,
  frag,
  hashlimit,
  hbh,
  helper,
  hl,
  icmp,
  icmp6,
  ipcomp,
  iprange,
  ipv6header,
  ipvs,
  length,
  limit,
  mac,
  mark,
  mh,
  multiport,
  nfacct,
  osf,
  owner,
  physdev,
  pkttype,
  policy,
  quota,
  rateest,
  realm,
  recent,
  rpfilter,
  rt,
  sctp,
  set,
  socket,
  srh,
  state,
  stateOfKernel,
  statistic,
  string,
  tcp,
  tcpmss,
  time,
  tos,
  ttl,
  u32,
  udp,
] as const;
const targets = [
  AUDIT,
  CHECKSUM,
  CLASSIFY,
  CLUSTERIP,
  CONNMARK,
  CONNSECMARK,
  CT,
  DNAT,
  DNPT,
  DSCP,
  ECN,
  HL_TARGET,
  HMARK,
  IDLETIMER,
  LED,
  LOG,
  MARK,
  MASQUERADE,
  NETMAP,
  NFLOG_TARGET,
  NFQUEUE,
  NOTRACK,
  RATEEST,
  REDIRECT,
  REJECT,
  SECMARK,
  SET,
  SNAT,
  SNPT,
  SYNPROXY,
  TCPMSS,
  TCPOPTSTRIP,
  TEE,
  TOS,
  TPROXY,
  TRACE,
  TTL_TARGET,
  ULOG,
] as const;

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
/** Of either family: one that is the other's only must not be taken for a chain's name, which a rule never means. */
export const targetNames: ReadonlySet<string> = new Set(targets.map((t) => t.name));

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
