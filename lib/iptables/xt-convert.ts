// RuleSpec ⇄ XtRule: typed options to extension structs and back, one codec per extension.

import { type BytesContext, type Codec, isNot, type Not, type Revision, ValueError } from './extensions/codec.ts';
import { codecOf, codecOfKernel, type Extension, type UnknownExtension } from './extensions/registry.ts';
import { Struct } from './extensions/struct.ts';
import { formatNetwork, networkBytes } from './rule/addresses.ts';
import { protocolName, protocolNumber } from './rule/protocols.ts';
import type { RuleSpec } from './rule-spec.ts';
import { type XtAddress, type XtExtension, type XtInterface, type XtRule, type XtVerdict, xtAlign } from './xt-rule.ts';

/** Which revision to write: the newest of ours that the kernel has and that can say it. */
export type NewestRevision = (codec: Codec) => number;

const verdicts: Readonly<Record<string, XtVerdict>> = {
  ACCEPT: { verdict: 'accept' },
  DROP: { verdict: 'drop' },
  RETURN: { verdict: 'return' },
  QUEUE: { verdict: 'queue' },
};
const verdictNames = new Map(Object.entries(verdicts).map(([name, v]) => [v.verdict, name as 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE']));

/** The codecs a rule needs to be written. */
export function codecsOf(spec: RuleSpec): Codec[] {
  const out: Codec[] = [];
  for (const m of spec.matches ?? []) push(out, 'match', m);
  if (spec.target !== undefined && 'name' in spec.target) push(out, 'target', spec.target);
  return out;
}
function push(out: Codec[], kind: 'match' | 'target', e: Extension): void {
  const codec = 'data' in e ? undefined : codecOf(kind, e.name);
  if (codec !== undefined) out.push(codec);
}

/** `spec` in canonical form, as parseRule and normalizeRule give it. */
export function toXt(spec: RuleSpec, c: BytesContext, newest: NewestRevision): XtRule {
  const { family } = c;
  const protocol = spec.protocol === undefined ? undefined : split(spec.protocol);
  return {
    family,
    ...(protocol === undefined ? {} : { protocol: { number: protocolNumber(String(protocol.value)) ?? 0, not: protocol.not } }),
    ...address('source', spec.source, c),
    ...address('destination', spec.destination, c),
    ...device('inInterface', spec.inInterface),
    ...device('outInterface', spec.outInterface),
    ...(spec.fragment === undefined ? {} : { fragment: { not: isNot(spec.fragment) } }),
    matches: (spec.matches ?? []).map((m) => extensionBytes('match', m, c, newest)),
    ...(spec.target === undefined ? {} : { target: target(spec.target, c, newest) }),
    ...(spec.counter === undefined ? {} : { counter: spec.counter }),
  };
}

function split<T>(v: Not<T>): { readonly value: T; readonly not: boolean } {
  return isNot(v) ? { value: v.not as T, not: true } : { value: v as T, not: false };
}

function address(key: 'source' | 'destination', v: Not<string> | undefined, c: BytesContext): { readonly [K in typeof key]?: XtAddress } {
  if (v === undefined) return {};
  const { value, not } = split(v);
  return { [key]: { ...networkBytes(value, c.family), not } };
}

function device(key: 'inInterface' | 'outInterface', v: Not<string> | undefined): { readonly [K in typeof key]?: XtInterface } {
  if (v === undefined) return {};
  const { value, not } = split(v);
  const prefix = value.endsWith('+');
  return { [key]: { name: prefix ? value.slice(0, -1) : value, prefix, not } };
}

function target(t: NonNullable<RuleSpec['target']>, c: BytesContext, newest: NewestRevision): XtExtension | XtVerdict {
  if ('jump' in t) return { verdict: 'jump', chain: t.jump };
  if ('goto' in t) return { verdict: 'goto', chain: t.goto };
  return verdicts[t.name] ?? extensionBytes('target', t, c, newest);
}

function extensionBytes(kind: 'match' | 'target', e: Extension, c: BytesContext, newest: NewestRevision): XtExtension {
  if ('data' in e) return { name: e.name, revision: e.revision, data: e.data };
  const codec = codecOf(kind, e.name);
  if (codec === undefined) throw new ValueError(`unknown ${kind} "${e.name}"`);
  const revision = choose(codec, e as never, c, newest(codec));
  const data = new Uint8Array(xtAlign(revision.size));
  revision.write(e as never, new Struct(data), c);
  return { name: codec.kernelName ?? codec.name, revision: revision.revision, data };
}

function choose(codec: Codec, options: never, c: BytesContext, newest: number): Revision<never> {
  const usable = codec.revisions.filter(
    (r) => (r.family === undefined || r.family === c.family) && r.revision <= newest && (r.can?.(options) ?? true),
  );
  const best = usable.at(-1);
  if (best === undefined)
    throw new ValueError(`the kernel's ${codec.kind} ${codec.name} goes up to revision ${newest}, which cannot say this`);
  return best as Revision<never>;
}

export function fromXt(rule: XtRule, c: BytesContext): RuleSpec {
  return {
    ...(rule.protocol === undefined ? {} : { protocol: join(protocolName(rule.protocol.number), rule.protocol.not) }),
    ...network('source', rule.source, c),
    ...network('destination', rule.destination, c),
    ...name('inInterface', rule.inInterface),
    ...name('outInterface', rule.outInterface),
    ...(rule.fragment === undefined ? {} : { fragment: join<true>(true, rule.fragment.not) }),
    ...(rule.counter === undefined ? {} : { counter: rule.counter }),
    ...(rule.matches.length === 0 ? {} : { matches: rule.matches.map((m) => extensionOptions('match', m, c)) }),
    ...(rule.target === undefined ? {} : { target: targetOptions(rule.target, c) }),
  };
}

function join<T>(value: T, not: boolean): Not<T> {
  return not ? { not: value } : value;
}

function network(key: 'source' | 'destination', a: XtAddress | undefined, c: BytesContext): { readonly [K in typeof key]?: Not<string> } {
  return a === undefined ? {} : { [key]: join(formatNetwork(a.address, a.mask, c.family), a.not) };
}

function name(key: 'inInterface' | 'outInterface', i: XtInterface | undefined): { readonly [K in typeof key]?: Not<string> } {
  return i === undefined ? {} : { [key]: join(i.prefix ? `${i.name}+` : i.name, i.not) };
}

function targetOptions(t: XtExtension | XtVerdict, c: BytesContext): NonNullable<RuleSpec['target']> {
  if (!('verdict' in t)) return extensionOptions('target', t, c);
  if ('chain' in t) return t.verdict === 'jump' ? { jump: t.chain } : { goto: t.chain };
  return { name: verdictNames.get(t.verdict) ?? 'ACCEPT' };
}

function extensionOptions(kind: 'match' | 'target', e: XtExtension, c: BytesContext): Extension {
  const codec = codecOfKernel(kind, e.name, e.revision, e.data);
  const revision = codec?.revisions.find((r) => r.revision === e.revision && (r.family === undefined || r.family === c.family));
  const raw: UnknownExtension = { name: e.name, revision: e.revision, data: e.data };
  // Another size than the struct's is not the revision we know, whatever its number says.
  if (codec === undefined || revision === undefined || e.data.length !== xtAlign(revision.size)) return raw;
  try {
    return { name: codec.name, ...revision.read(new Struct(e.data), c) } as Extension;
  } catch (err) {
    // Bits that no option can say: other programs than iptables write such structs.
    if (err instanceof ValueError) return raw;
    throw err;
  }
}
