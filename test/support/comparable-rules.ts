// Rules as the kernel holds them, made comparable: without counters, the kernel's own tails of extension structs, and places in the table.
import type { IpFamily } from '../../lib/iptables/extensions/codec.ts';
import { codecOfKernel } from '../../lib/iptables/extensions/registry.ts';
import { EXTENSION, INTERFACE_SIZE, layouts, STANDARD_TARGET_SIZE } from '../../lib/iptables/legacy/layout.ts';
import type { AnyExpression } from '../../lib/nftables/expressions/expression.ts';
import { NFTA_RULE, readExpressions } from '../../lib/nftables/objects/rule.ts';
import { findAttribute } from '../../lib/wire/attributes.ts';

type Kind = 'match' | 'target';

/** The struct with what is the kernel's made zero. */
function masked(kind: Kind, name: string, revision: number, data: Uint8Array, family: IpFamily): Uint8Array {
  const copy = data.slice();
  const codec = codecOfKernel(kind, name, revision, data, family);
  const found = codec?.revisions.find((r) => r.revision === revision && (r.family ?? family) === family);
  for (const [from, to] of found?.kernelPrivate ?? []) copy.fill(0, from, to);
  return copy;
}

/** An entry of a legacy table, as hex. */
export function comparableEntry(entry: Uint8Array, family: IpFamily): string {
  const copy = Buffer.from(entry);
  const at = layouts[family];
  copy.fill(0, at.nextOffset + 2, at.size);
  // `-i +` says nothing: 1.8.13 leaves its + in a name that the mask then hides.
  for (const [name, mask] of [
    [at.inInterface, at.inMask],
    [at.outInterface, at.outMask],
  ] as const)
    if (copy[mask] === 0) copy.fill(0, name, name + INTERFACE_SIZE);
  const target = copy.readUInt16LE(at.targetOffset);
  for (let next: number = at.size; next < target; ) {
    maskExtension('match', copy, next, family);
    next += copy.readUInt16LE(next);
  }
  // A verdict below zero says something, an offset only where things lie.
  const standard = copy[target + EXTENSION.name] === 0;
  if (standard && copy.readInt32LE(target + EXTENSION.size) >= 0) copy.fill(0, target + EXTENSION.size, target + STANDARD_TARGET_SIZE);
  if (!standard) maskExtension('target', copy, target, family);
  return copy.toString('hex');
}

function maskExtension(kind: Kind, entry: Buffer, at: number, family: IpFamily): void {
  const size = entry.readUInt16LE(at);
  const name = entry
    .subarray(at + EXTENSION.name, at + EXTENSION.revision)
    .toString('latin1')
    .replace(/\0.*/s, '');
  const data = entry.subarray(at + EXTENSION.size, at + size);
  data.set(masked(kind, name, entry[at + EXTENSION.revision] as number, data, family));
}

/** NFTA_RULE_EXPRESSIONS of a rule's attributes. */
export function expressionsOf(attributes: Uint8Array): Uint8Array {
  const span = findAttribute(attributes, 0, attributes.length, NFTA_RULE.expressions);
  return span === undefined ? new Uint8Array() : attributes.subarray(span[0], span[1]);
}

/** A list of expressions, as JSON. What no table knows stands in it as bytes. */
export function comparableExpressions(list: Uint8Array, family: IpFamily): string {
  const expressions = readExpressions(list, [0, list.length]).map((e) => {
    if (e.type === 'counter') return { type: 'counter' };
    if (e.type !== 'match' && e.type !== 'target') return e;
    const { name, rev, info } = e as AnyExpression & { name: string; rev: number; info: Uint8Array };
    return { ...e, info: masked(e.type, name, rev, info, family) };
  });
  return JSON.stringify(expressions, (_, v: unknown) =>
    v instanceof Uint8Array ? Buffer.from(v).toString('hex') : typeof v === 'bigint' ? String(v) : v,
  );
}
