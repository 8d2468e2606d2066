// RuleSpec ⇄ XtRule: typed options to extension structs and back, one codec per extension.

import { type BytesContext, type Codec, type IpFamily, isNot, type Not, type Revision, ValueError } from './extensions/codec.ts';
import { bare, withNot } from './extensions/option-values.ts';
import { codecOf, codecOfKernel, type Extension, type UnknownExtension } from './extensions/registry.ts';
import { Struct } from './extensions/struct.ts';
import { formatNetwork, networkBytes } from './rule/addresses.ts';
import { protocolName, protocolNumber } from './rule/protocols.ts';
import type { RuleSpec } from './rule-spec.ts';
import { type Writable, type XtAddress, type XtExtension, type XtInterface, type XtRule, type XtVerdict, xtAlign } from './xt-rule.ts';

/** Which revision to write: the newest of ours that the kernel has and that can say it. */
export type NewestRevision = (codec: Codec) => number;

const verdicts: ReadonlyMap<string, XtVerdict> = new Map(
  (['ACCEPT', 'DROP', 'RETURN', 'QUEUE'] as const).map((name) => [
    name,
    { verdict: name.toLowerCase() as 'accept' | 'drop' | 'return' | 'queue' },
  ]),
);

/** The codecs a rule needs to be written. */
export function codecsOf(spec: RuleSpec, family: IpFamily): Codec[] {
  const out: Codec[] = [];
  for (const m of spec.matches ?? []) push(out, 'match', m, family);
  if (spec.target !== undefined && 'name' in spec.target) push(out, 'target', spec.target, family);
  return out;
}
function push(out: Codec[], kind: 'match' | 'target', e: Extension, family: IpFamily): void {
  const codec = 'data' in e ? undefined : codecOf(kind, e.name, family);
  if (codec !== undefined) out.push(codec);
}

/** `spec` in canonical form, as parseRule and normalizeRule give it. */
export function toXt(spec: RuleSpec, c: BytesContext, newest: NewestRevision): XtRule {
  const rule: Writable<XtRule> = { family: c.family, matches: [] };
  if (spec.protocol !== undefined) {
    rule.protocol = { number: protocolNumber(String(bare(spec.protocol))) ?? 0, not: isNot(spec.protocol) };
  }
  if (spec.source !== undefined) rule.source = address(spec.source, c);
  if (spec.destination !== undefined) rule.destination = address(spec.destination, c);
  if (spec.inInterface !== undefined) rule.inInterface = device(spec.inInterface);
  if (spec.outInterface !== undefined) rule.outInterface = device(spec.outInterface);
  if (spec.fragment !== undefined) rule.fragment = { not: isNot(spec.fragment) };
  if (spec.matches !== undefined) rule.matches = spec.matches.map((m) => extensionBytes('match', m, c, newest));
  if (spec.target !== undefined) rule.target = target(spec.target, c, newest);
  if (spec.counter !== undefined) rule.counter = spec.counter;
  return rule;
}

function address(v: Not<string>, c: BytesContext): XtAddress {
  return { ...networkBytes(bare(v), c.family), not: isNot(v) };
}

function device(v: Not<string>): XtInterface {
  const value = bare<string>(v);
  const prefix = value.endsWith('+');
  return { name: prefix ? value.slice(0, -1) : value, prefix, not: isNot(v) };
}

function target(t: NonNullable<RuleSpec['target']>, c: BytesContext, newest: NewestRevision): XtExtension | XtVerdict {
  if ('jump' in t) return { verdict: 'jump', chain: t.jump };
  if ('goto' in t) return { verdict: 'goto', chain: t.goto };
  return verdicts.get(t.name) ?? extensionBytes('target', t, c, newest);
}

function extensionBytes(kind: 'match' | 'target', e: Extension, c: BytesContext, newest: NewestRevision): XtExtension {
  if ('data' in e) return { name: e.name, revision: e.revision, data: e.data };
  const codec = codecOf(kind, e.name, c.family);
  if (codec === undefined) throw new ValueError(`unknown ${kind} "${e.name}"`);
  const revision = choose(codec, e as never, c, newest(codec));
  const data = new Uint8Array(structSize(revision, c));
  revision.write(e as never, new Struct(data), c);
  return { name: codec.kernelName ?? codec.name, revision: revision.revision, data };
}

export function revisionOf(codec: Codec | undefined, revision: number, family: IpFamily): Codec['revisions'][number] | undefined {
  return codec?.revisions.find((r) => r.revision === revision && (r.family ?? family) === family);
}

/** With XT_ALIGN. */
export function structSize(revision: Pick<Revision<never>, 'size' | 'legacySize'>, c: BytesContext): number {
  return xtAlign((c.backend === 'legacy' ? revision.legacySize : undefined) ?? revision.size);
}

/** The newest revision of ours that the kernel has too, and that can say the options. */
function choose(codec: Codec, options: never, c: BytesContext, newest: number): Revision<never> {
  const found = newestThatCan(codec, options, c.family, newest);
  if (found !== undefined) return found;
  throw new ValueError(`the kernel's ${codec.kind} ${codec.name} goes up to revision ${newest}, which cannot say this`);
}

/** The newest revision of ours, up to `newest`, that can say the options. */
export function newestThatCan(
  codec: Codec,
  options: never,
  family: IpFamily,
  newest: number = Number.POSITIVE_INFINITY,
): Revision<never> | undefined {
  for (let i = codec.revisions.length - 1; i >= 0; i--) {
    const r = codec.revisions[i] as Revision<never>;
    if (r.revision <= newest && (r.family === undefined || r.family === family) && (r.can?.(options) ?? true)) return r;
  }
  return undefined;
}

export function fromXt(rule: XtRule, c: BytesContext): RuleSpec {
  const spec: Writable<RuleSpec> = {};
  if (rule.protocol !== undefined) spec.protocol = withNot(protocolName(rule.protocol.number), rule.protocol.not);
  if (rule.source !== undefined) spec.source = network(rule.source, c);
  if (rule.destination !== undefined) spec.destination = network(rule.destination, c);
  if (rule.inInterface !== undefined) spec.inInterface = name(rule.inInterface);
  if (rule.outInterface !== undefined) spec.outInterface = name(rule.outInterface);
  if (rule.fragment !== undefined) spec.fragment = withNot<true>(true, rule.fragment.not);
  if (rule.counter !== undefined) spec.counter = rule.counter;
  if (rule.matches.length > 0) spec.matches = rule.matches.map((m) => extensionOptions('match', m, c));
  if (rule.target !== undefined) spec.target = targetOptions(rule.target, c);
  return spec;
}

function network(a: XtAddress, c: BytesContext): Not<string> {
  return withNot(formatNetwork(a.address, a.mask, c.family), a.not);
}

function name(i: XtInterface): Not<string> {
  return withNot(i.prefix ? `${i.name}+` : i.name, i.not);
}

function targetOptions(t: XtExtension | XtVerdict, c: BytesContext): NonNullable<RuleSpec['target']> {
  if (!('verdict' in t)) return extensionOptions('target', t, c);
  if ('chain' in t) return t.verdict === 'jump' ? { jump: t.chain } : { goto: t.chain };
  return { name: t.verdict.toUpperCase() as 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE' };
}

function extensionOptions(kind: 'match' | 'target', e: XtExtension, c: BytesContext): Extension {
  const codec = codecOfKernel(kind, e.name, e.revision, e.data, c.family);
  const revision = revisionOf(codec, e.revision, c.family);
  const raw: UnknownExtension = { name: e.name, revision: e.revision, data: e.data };
  // Another size than the struct's is not the revision we know, whatever its number says.
  if (codec === undefined || revision === undefined || e.data.length !== structSize(revision, c)) return raw;
  try {
    return { name: codec.name, ...revision.read(new Struct(e.data), c) } as Extension;
  } catch (err) {
    // Bits that no option can say: other programs than iptables write such structs.
    if (err instanceof ValueError) return raw;
    throw err;
  }
}
