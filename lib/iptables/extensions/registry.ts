// All extensions nflink knows, by the name after -m or -j and by the kernel's name, and the types that follow from them.
import { addrtype } from './addrtype.ts';
import type { Codec, IpFamily, OptionsOf, OptionTable } from './codec.ts';
import { comment } from './comment.ts';
import { conntrack } from './conntrack.ts';
import { icmp } from './icmp.ts';
import { iprange } from './iprange.ts';
import { limit } from './limit.ts';
import { mark } from './mark.ts';
import { multiport } from './multiport.ts';
import { pkttype } from './pkttype.ts';
import { recent } from './recent.ts';
import { set } from './set.ts';
import { socket } from './socket.ts';
import { state } from './state.ts';
import { statistic } from './statistic.ts';
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
import { HMARK } from './target-hmark.ts';
import { IDLETIMER } from './target-idletimer.ts';
import { LED } from './target-led.ts';
import { LOG } from './target-log.ts';
import { MARK } from './target-mark.ts';
import { MASQUERADE } from './target-masquerade.ts';
import { NFLOG_TARGET } from './target-nflog.ts';
import { NFQUEUE } from './target-nfqueue.ts';
import { NOTRACK } from './target-notrack.ts';
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
import { ULOG } from './target-ulog.ts';
import { tcp } from './tcp.ts';
import { ttl } from './ttl.ts';
import { udp } from './udp.ts';

const matches = [
  addrtype,
  comment,
  conntrack,
  icmp,
  iprange,
  limit,
  mark,
  multiport,
  pkttype,
  recent,
  set,
  socket,
  state,
  statistic,
  tcp,
  ttl,
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
  DSCP,
  ECN,
  HMARK,
  IDLETIMER,
  LED,
  LOG,
  MARK,
  MASQUERADE,
  NFLOG_TARGET,
  NFQUEUE,
  NOTRACK,
  RATEEST,
  REDIRECT,
  REJECT,
  SECMARK,
  SET,
  SNAT,
  SYNPROXY,
  TCPMSS,
  TCPOPTSTRIP,
  TEE,
  TOS,
  TPROXY,
  TRACE,
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
