// The matches of a rule as they lie in an xtables entry (ipt_entry, ip6t_entry of linux/netfilter_ipv4/ip_tables.h and
// netfilter_ipv6/ip6_tables.h), and the bytes a codec writes for a match.
import { createHash } from 'node:crypto';
import type { BytesContext, Codec, IpFamily, Revision } from '../../../lib/iptables/extensions/codec.ts';
import { codecOf, codecOfKernel } from '../../../lib/iptables/extensions/registry.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';

export interface EntryMatch {
  readonly name: string;
  readonly revision: number;
  readonly data: Uint8Array;
}

const ENTRY_SIZE = { ip: 112, ip6: 168 } as const;
const TARGET_OFFSET = { ip: 88, ip6: 140 } as const;
const HEADER = 32;

export function matchesOfEntry(entry: Uint8Array, family: IpFamily): EntryMatch[] {
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  const end = view.getUint16(TARGET_OFFSET[family], true);
  const out: EntryMatch[] = [];
  for (let at: number = ENTRY_SIZE[family]; at < end; ) {
    const size = view.getUint16(at, true);
    const name = Buffer.from(entry.subarray(at + 2, at + 31))
      .toString('latin1')
      .replace(/\0.*/s, '');
    out.push({ name, revision: view.getUint8(at + 31), data: entry.slice(at + HEADER, at + size) });
    at += size;
  }
  return out;
}

/** Sets by name: the first is 0. */
export function bytesContext(family: IpFamily, sets: readonly string[] = []): BytesContext {
  return {
    family,
    setIndex: (name) => sets.indexOf(name),
    setName: (index) => sets[index] ?? `set-${index}`,
  };
}

export function revisionOf(codec: Codec, number: number, family: IpFamily): Revision<Record<string, unknown>> {
  const found = codec.revisions.find((r) => r.revision === number && (r.family === undefined || r.family === family));
  if (found === undefined) throw new Error(`${codec.name} has no revision ${number}`);
  return found as Revision<Record<string, unknown>>;
}

/** The struct of a match as the codec writes it, padded to `size`. */
export function writeMatch(options: { readonly name: string }, revision: number, size: number, c: BytesContext): Uint8Array {
  const codec = codecOf('match', options.name);
  if (codec === undefined) throw new Error(`no codec for ${options.name}`);
  const data = new Uint8Array(size);
  revisionOf(codec, revision, c.family).write(options as unknown as Record<string, unknown>, new Struct(data), c);
  return data;
}

export function readMatch(match: EntryMatch, c: BytesContext): Record<string, unknown> {
  const codec = codecOfKernel('match', match.name, match.revision, match.data);
  if (codec === undefined) throw new Error(`no codec for ${match.name}`);
  return { name: codec.name, ...revisionOf(codec, match.revision, c.family).read(new Struct(match.data), c) };
}

/** Bytes with the kernel's own made zero, as hex. */
export function comparable(match: EntryMatch, family: IpFamily): string {
  const codec = codecOfKernel('match', match.name, match.revision, match.data);
  const data = match.data.slice();
  if (codec !== undefined) for (const [from, to] of revisionOf(codec, match.revision, family).kernelPrivate ?? []) data.fill(0, from, to);
  return Buffer.from(data).toString('hex');
}

/** A short name for long input in messages. */
export function digest(text: string): string {
  return text.length < 60 ? text : `${text.slice(0, 40)}… ${createHash('sha1').update(text).digest('hex').slice(0, 8)}`;
}
