// Looking for a rule in a chain as iptables-legacy -C does: by the entry's bytes, but for counters and what is the kernel's own.
import type { BytesContext } from '../extensions/codec.ts';
import type { XtRule } from '../xt-rule.ts';
import { entrySize, writeEntry, writeMask } from './entry.ts';
import { EXTENSION, INTERFACE_SIZE, layouts, verdictNumbers } from './layout.ts';
import type { LegacyChain, LegacyTable } from './table.ts';

/** The row of the first rule that is the same, or -1. */
export function findRule(table: LegacyTable, chain: LegacyChain, rule: XtRule, c: BytesContext): number {
  const { needle, mask, target } = compared(rule, c);
  const size = needle.length;
  const standard = isStandard(rule);
  // A verdict is a number in the kernel's tables: its name is not compared.
  if (standard) mask.fill(0, target, size);
  for (let row = chain.start; row < chain.end; row++) {
    const entry = table.entry(row);
    if (entry.length === size && same(entry, needle, mask) && (!standard || sameVerdict(table, row, entry, target, rule.target)))
      return row;
  }
  return -1;
}

/** Equal for rules that are the same, but for the chains they jump to. */
export function ruleKey(rule: XtRule, c: BytesContext): string {
  const { target } = rule;
  const { needle, mask } = compared(target !== undefined && 'chain' in target ? { ...rule, target: { ...target, chain: '' } } : rule, c);
  for (const [i, bits] of mask.entries()) needle[i] = (needle[i] as number) & bits;
  return Buffer.from(needle.buffer).toString('latin1');
}

/** A rule's entry, which of its bits are compared, and where its target begins. */
function compared(rule: XtRule, c: BytesContext): { readonly needle: Uint8Array; readonly mask: Uint8Array; readonly target: number } {
  const size = entrySize(rule);
  const needle = new Uint8Array(size);
  const mask = new Uint8Array(size);
  writeEntry(rule, needle);
  writeMask(rule, mask, c);
  const at = layouts[rule.family];
  const { nfcache, targetOffset, size: base } = at;
  // Of an interface's name what its mask covers: `-i +` leaves a + that says nothing.
  mask.set(needle.subarray(at.inMask, at.inMask + INTERFACE_SIZE), at.inInterface);
  mask.set(needle.subarray(at.outMask, at.outMask + INTERFACE_SIZE), at.outInterface);
  // Between them lie what the kernel notes for itself and the counters.
  mask.fill(0, nfcache, targetOffset).fill(0, targetOffset + 4, base);
  return { needle, mask, target: (needle[targetOffset] as number) | ((needle[targetOffset + 1] as number) << 8) };
}

function isStandard({ target }: XtRule): boolean {
  return target === undefined || 'verdict' in target;
}

function same(a: Uint8Array, b: Uint8Array, mask: Uint8Array): boolean {
  for (let i = 0; i < mask.length; i++) if ((((a[i] as number) ^ (b[i] as number)) & (mask[i] as number)) !== 0) return false;
  return true;
}

function sameVerdict(table: LegacyTable, row: number, entry: Uint8Array, at: number, target: XtRule['target']): boolean {
  if (entry[at + EXTENSION.name] !== 0) return false;
  const chain = table.jumpOf(row);
  if (target === undefined || !('verdict' in target)) return chain === undefined && verdict(entry, at) >= 0;
  return 'chain' in target ? chain === target.chain : chain === undefined && verdict(entry, at) === verdictNumbers[target.verdict];
}

function verdict(entry: Uint8Array, target: number): number {
  const at = target + EXTENSION.size;
  return new DataView(entry.buffer, entry.byteOffset).getInt32(at, true);
}
