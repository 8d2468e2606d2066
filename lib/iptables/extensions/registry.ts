// All extensions nflink knows, by the name after -m or -j and by the kernel's name, and the types that follow from them.
import { addrtype } from './addrtype.ts';
import type { Codec, OptionsOf, OptionTable } from './codec.ts';
import { comment } from './comment.ts';
import { conntrack } from './conntrack.ts';
import { icmp } from './icmp.ts';
import { iprange } from './iprange.ts';
import { limit } from './limit.ts';
import { mark } from './mark.ts';
import { multiport } from './multiport.ts';
import { recent } from './recent.ts';
import { set } from './set.ts';
import { socket } from './socket.ts';
import { state } from './state.ts';
import { statistic } from './statistic.ts';
import { Struct } from './struct.ts';
import { CT } from './target-ct.ts';
import { DNAT } from './target-dnat.ts';
import { LOG } from './target-log.ts';
import { MARK } from './target-mark.ts';
import { MASQUERADE } from './target-masquerade.ts';
import { NOTRACK } from './target-notrack.ts';
import { REDIRECT } from './target-redirect.ts';
import { REJECT } from './target-reject.ts';
import { SNAT } from './target-snat.ts';
import { TPROXY } from './target-tproxy.ts';
import { tcp } from './tcp.ts';
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
  recent,
  set,
  socket,
  state,
  statistic,
  tcp,
  udp,
] as const;
const targets = [CT, DNAT, LOG, MARK, MASQUERADE, NOTRACK, REDIRECT, REJECT, SNAT, TPROXY] as const;

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

const byName = new Map<string, Codec>([...matches, ...targets].map((c) => [`${c.kind} ${c.name}`, c as unknown as Codec]));
const byKernelName = new Map<string, Codec[]>();
for (const codec of byName.values()) {
  const key = `${codec.kind} ${codec.kernelName ?? codec.name}`;
  byKernelName.set(key, [...(byKernelName.get(key) ?? []), codec]);
}

/** The codec of `-m name` or `-j name`. */
export function codecOf(kind: 'match' | 'target', name: string): Codec | undefined {
  return byName.get(`${kind} ${name}`);
}

/** The codec that reads a struct of the kernel's extension `name`; the one that claims it goes before the others. */
export function codecOfKernel(kind: 'match' | 'target', name: string, revision: number, data: Uint8Array): Codec | undefined {
  const candidates = byKernelName.get(`${kind} ${name}`);
  if (candidates === undefined || candidates.length === 1) return candidates?.[0];
  const s = new Struct(data);
  return candidates.find((c) => c.claims?.(s, revision)) ?? candidates.find((c) => c.claims === undefined);
}
