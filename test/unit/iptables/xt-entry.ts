// The matches of a rule as they lie in an xtables entry (ipt_entry, ip6t_entry of linux/netfilter_ipv4/ip_tables.h and
// netfilter_ipv6/ip6_tables.h), and the bytes a codec writes for a match.
import { createHash } from 'node:crypto';
import type { BytesContext, Codec, IpFamily, Revision } from '../../../lib/iptables/extensions/codec.ts';
import { codecOf, codecOfKernel } from '../../../lib/iptables/extensions/registry.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';

export interface EntryExtension {
  readonly name: string;
  readonly revision: number;
  readonly data: Uint8Array;
}

const ENTRY_SIZE = { ip: 112, ip6: 168 } as const;
const TARGET_OFFSET = { ip: 88, ip6: 140 } as const;
const HEADER = 32;

function extensionAt(entry: Uint8Array, at: number, size: number): EntryExtension {
  const name = Buffer.from(entry.subarray(at + 2, at + 31))
    .toString('latin1')
    .replace(/\0.*/s, '');
  return { name, revision: entry[at + 31] as number, data: entry.slice(at + HEADER, at + size) };
}

/** Its matches, and its target unless that is a verdict or a chain. */
export function extensionsOfEntry(entry: Uint8Array, family: IpFamily): { matches: EntryExtension[]; target: EntryExtension | undefined } {
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  const end = view.getUint16(TARGET_OFFSET[family], true);
  const matches: EntryExtension[] = [];
  for (let at: number = ENTRY_SIZE[family]; at < end; ) {
    const size = view.getUint16(at, true);
    matches.push(extensionAt(entry, at, size));
    at += size;
  }
  const target = extensionAt(entry, end, view.getUint16(end, true));
  return { matches, target: target.name === '' ? undefined : target };
}

export function matchesOfEntry(entry: Uint8Array, family: IpFamily): EntryExtension[] {
  return extensionsOfEntry(entry, family).matches;
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

type Kind = Codec['kind'];

/** The struct of an extension as the codec writes it, padded to `size`. */
export function writeExtension(
  kind: Kind,
  options: { readonly name: string },
  revision: number,
  size: number,
  c: BytesContext,
): Uint8Array {
  const codec = codecOf(kind, options.name, c.family);
  if (codec === undefined) throw new Error(`no codec for ${options.name}`);
  const data = new Uint8Array(size);
  revisionOf(codec, revision, c.family).write(options as unknown as Record<string, unknown>, new Struct(data), c);
  return data;
}
export function writeMatch(options: { readonly name: string }, revision: number, size: number, c: BytesContext): Uint8Array {
  return writeExtension('match', options, revision, size, c);
}

export function readExtension(kind: Kind, e: EntryExtension, c: BytesContext): Record<string, unknown> {
  const codec = codecOfKernel(kind, e.name, e.revision, e.data, c.family);
  if (codec === undefined) throw new Error(`no codec for ${e.name}`);
  return { name: codec.name, ...revisionOf(codec, e.revision, c.family).read(new Struct(e.data), c) };
}
export function readMatch(match: EntryExtension, c: BytesContext): Record<string, unknown> {
  return readExtension('match', match, c);
}

/** Bytes with the kernel's own made zero, as hex. */
export function comparableExtension(kind: Kind, e: EntryExtension, family: IpFamily): string {
  const codec = codecOfKernel(kind, e.name, e.revision, e.data, family);
  const data = e.data.slice();
  if (codec !== undefined) for (const [from, to] of revisionOf(codec, e.revision, family).kernelPrivate ?? []) data.fill(0, from, to);
  return Buffer.from(data).toString('hex');
}
export function comparable(match: EntryExtension, family: IpFamily): string {
  return comparableExtension('match', match, family);
}

/** A short name for long input in messages. */
export function digest(text: string): string {
  return text.length < 60 ? text : `${text.slice(0, 40)}… ${createHash('sha1').update(text).digest('hex').slice(0, 8)}`;
}
