// XtRule ⇄ one entry of a legacy table. Jumps go by name here, as libiptc takes them; in the kernel's tables they are offsets.
import { EPROTO } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import { encodeText, putAscii } from '../../wire/text.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { codecOfKernel } from '../extensions/registry.ts';
import { Struct } from '../extensions/struct.ts';
import { revisionOf } from '../xt-convert.ts';
import type { Writable, XtAddress, XtExtension, XtInterface, XtRule, XtVerdict } from '../xt-rule.ts';
import { xtAlign } from '../xt-rule.ts';
import { type EntryLayout, EXTENSION, INTERFACE_SIZE, INV, layouts, STANDARD_TARGET_SIZE } from './layout.ts';

const verdictNames = { accept: 'ACCEPT', drop: 'DROP', return: 'RETURN', queue: 'QUEUE' } as const;

function targetSize(t: XtRule['target']): number {
  return t === undefined || 'verdict' in t ? STANDARD_TARGET_SIZE : EXTENSION.size + xtAlign(t.data.length);
}

/** How many bytes the rule's entry takes. Throws ERR_INVALID_ARG where no entry has as many. */
export function entrySize(rule: XtRule): number {
  const matches = rule.matches.reduce((sum, m) => sum + EXTENSION.size + xtAlign(m.data.length), 0);
  const size = layouts[rule.family].size + matches + targetSize(rule.target);
  // next_offset has 16 bits.
  if (size > 0xffff)
    throw new NetfilterError(`the rule takes ${size} bytes, an entry has at most 65535; nothing was sent`, { code: 'ERR_INVALID_ARG' });
  return size;
}

/** Writes the entry into zeroed bytes of `entrySize`. */
export function writeEntry(rule: XtRule, bytes: Uint8Array): void {
  const at = layouts[rule.family];
  const s = new Struct(bytes);
  let inverted = 0;
  let flags = 0;
  if (rule.source !== undefined) inverted |= writeAddress(bytes, at.source, at.sourceMask, rule.source, INV.source);
  if (rule.destination !== undefined)
    inverted |= writeAddress(bytes, at.destination, at.destinationMask, rule.destination, INV.destination);
  if (rule.inInterface !== undefined) inverted |= writeInterface(s, at.inInterface, at.inMask, rule.inInterface, INV.in);
  if (rule.outInterface !== undefined) inverted |= writeInterface(s, at.outInterface, at.outMask, rule.outInterface, INV.out);
  if (rule.protocol !== undefined) {
    s.setU16(at.protocol, rule.protocol.number);
    flags |= at.hasProtocol;
    if (rule.protocol.not) inverted |= INV.protocol;
  }
  if (rule.fragment !== undefined) {
    flags |= at.fragment;
    if (rule.fragment.not) inverted |= INV.fragment;
  }
  const { target } = rule;
  if (target !== undefined && 'verdict' in target && target.verdict === 'goto') flags |= at.goto;
  s.setU8(at.flags, flags);
  s.setU8(at.inverted, inverted);
  if (rule.counter !== undefined) {
    s.setU64(at.packets, rule.counter.packets);
    s.setU64(at.bytes, rule.counter.bytes);
  }
  let end = at.size;
  for (const m of rule.matches) end = writeExtension(s, end, m);
  s.setU16(at.targetOffset, end);
  if (target !== undefined && !('verdict' in target)) end = writeExtension(s, end, target);
  else {
    s.setU16(end, STANDARD_TARGET_SIZE);
    if (target !== undefined) s.setText(end + EXTENSION.name, EXTENSION.nameSize, verdictName(target));
    end += STANDARD_TARGET_SIZE;
  }
  s.setU16(at.nextOffset, end);
}

function verdictName(v: XtVerdict): string {
  return 'chain' in v ? v.chain : verdictNames[v.verdict];
}

function writeAddress(bytes: Uint8Array, address: number, mask: number, a: XtAddress, bit: number): number {
  bytes.set(a.address, address);
  bytes.set(a.mask, mask);
  return a.not ? bit : 0;
}

/** The + of a prefix stands in the name and not in the mask; a whole name is compared with its NUL (xtables_parse_interface). */
function writeInterface(s: Struct, name: number, mask: number, i: XtInterface, bit: number): number {
  s.setText(name, INTERFACE_SIZE, i.prefix ? `${i.name}+` : i.name);
  const length = putAscii(s.bytes, name, i.name) ? i.name.length : encodeText(i.name).length;
  s.bytes.fill(0xff, mask, mask + length + (i.prefix ? 0 : 1));
  return i.not ? bit : 0;
}

function writeExtension(s: Struct, at: number, e: XtExtension): number {
  const size = EXTENSION.size + xtAlign(e.data.length);
  s.setU16(at, size);
  s.setText(at + EXTENSION.name, EXTENSION.nameSize, e.name);
  s.setU8(at + EXTENSION.revision, e.revision);
  s.set(at + EXTENSION.size, e.data);
  return at + size;
}

/**
 * What of an entry is compared for -C and -D: everything but the kernel's own tails and the padding (make_delete_mask of iptables.c). libiptc
 * compares the part before the matches by itself.
 */
export function writeMask(rule: XtRule, mask: Uint8Array, c: BytesContext): void {
  let at = layouts[rule.family].size;
  mask.fill(0xff, 0, at);
  for (const m of rule.matches) at = maskExtension('match', mask, at, m, c);
  const { target } = rule;
  if (target === undefined || 'verdict' in target) mask.fill(0xff, at, at + STANDARD_TARGET_SIZE);
  else maskExtension('target', mask, at, target, c);
}

function maskExtension(kind: 'match' | 'target', mask: Uint8Array, at: number, e: XtExtension, c: BytesContext): number {
  const data = at + EXTENSION.size;
  const codec = codecOfKernel(kind, e.name, e.revision, e.data, c.family);
  const revision = revisionOf(codec, e.revision, c.family);
  mask.fill(0xff, at, data + Math.min(e.data.length, revision?.size ?? e.data.length));
  // match_different and target_different of libiptc.c look at size, name and data only.
  mask[at + EXTENSION.revision] = 0;
  for (const [from, to] of revision?.kernelPrivate ?? []) mask.fill(0, data + from, data + Math.min(to, e.data.length));
  return data + xtAlign(e.data.length);
}

/** Reads an entry. `verdict` says what a standard target of the table means. Undefined: what no option of iptables can say. */
export function readEntry(
  entry: Uint8Array,
  family: XtRule['family'],
  verdict: (number: number, goto: boolean) => XtVerdict | undefined,
): XtRule | undefined {
  const at = layouts[family];
  const s = new Struct(entry);
  const flags = s.u8(at.flags);
  const inverted = s.u8(at.inverted);
  if (!sayable(at, flags, inverted)) return undefined;
  const rule: Writable<XtRule> & { matches: XtExtension[] } = {
    family,
    matches: [],
    counter: { packets: s.u64(at.packets), bytes: s.u64(at.bytes) },
  };
  const source = readAddress(entry, at, at.source, at.sourceMask, (inverted & INV.source) !== 0);
  if (source !== undefined) rule.source = source;
  const destination = readAddress(entry, at, at.destination, at.destinationMask, (inverted & INV.destination) !== 0);
  if (destination !== undefined) rule.destination = destination;
  const incoming = readInterface(s, at.inInterface, at.inMask, (inverted & INV.in) !== 0);
  if (incoming !== undefined) rule.inInterface = incoming;
  const outgoing = readInterface(s, at.outInterface, at.outMask, (inverted & INV.out) !== 0);
  if (outgoing !== undefined) rule.outInterface = outgoing;
  // A line's end would end the line of save text.
  if (incoming?.name.includes('\n') === true || outgoing?.name.includes('\n') === true) return undefined;
  const protocol = s.u16(at.protocol);
  if (protocol !== 0) rule.protocol = { number: protocol, not: (inverted & INV.protocol) !== 0 };
  if ((flags & at.fragment) !== 0) rule.fragment = { not: (inverted & INV.fragment) !== 0 };
  const end = s.u16(at.targetOffset);
  for (let next = at.size; next < end; ) {
    const size = s.u16(next);
    if (size < EXTENSION.size)
      throw new NetfilterError(`an entry as the kernel gave it has a match of ${size} bytes`, { code: 'EPROTO', errno: EPROTO });
    rule.matches.push(readExtension(s, next, size));
    next += size;
  }
  const name = s.text(end + EXTENSION.name, EXTENSION.nameSize);
  const target = name === '' ? verdict(s.u32(end + EXTENSION.size) | 0, (flags & at.goto) !== 0) : readExtension(s, end, s.u16(end));
  if (target !== undefined) rule.target = target;
  return rule;
}

function sayable(at: EntryLayout, flags: number, inverted: number): boolean {
  const known = INV.in | INV.out | INV.source | INV.destination | INV.protocol | (at.fragment === 0 ? 0 : INV.fragment);
  return (flags & ~(at.fragment | at.hasProtocol | at.goto)) === 0 && (inverted & ~known) === 0;
}

function readAddress(entry: Uint8Array, at: EntryLayout, address: number, mask: number, not: boolean): XtAddress | undefined {
  if (!not && isZero(entry, mask, at.width)) return undefined;
  return { address: entry.slice(address, address + at.width), mask: entry.slice(mask, mask + at.width), not };
}

function isZero(bytes: Uint8Array, from: number, length: number): boolean {
  for (let i = from; i < from + length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** As the real program reads it: by the mask (print_iface of iptables.c). */
function readInterface(s: Struct, name: number, mask: number, not: boolean): XtInterface | undefined {
  let length = 0;
  while (length < INTERFACE_SIZE && s.u8(mask + length) !== 0) length++;
  if (length === 0) return not ? { name: '', prefix: true, not } : undefined;
  const prefix = length < INTERFACE_SIZE && s.u8(name + length - 1) !== 0;
  return { name: s.text(name, length), prefix, not };
}

function readExtension(s: Struct, at: number, size: number): XtExtension {
  return {
    name: s.text(at + EXTENSION.name, EXTENSION.nameSize),
    revision: s.u8(at + EXTENSION.revision),
    data: s.copy(at + EXTENSION.size, size - EXTENSION.size),
  };
}
