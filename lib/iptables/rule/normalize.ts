// A rule as a program wrote it into its canonical form: every value goes through its option's parser, so that what the text form would
// refuse is refused here, with the path of the value.
import { NetfilterError } from '../../errors.ts';
import type { Counter } from '../../model/ruleset.ts';
import { type Codec, type IpFamily, isNot, type ParseContext, ValueError } from '../extensions/codec.ts';
import { codecOf, type Extension, targetNames } from '../extensions/registry.ts';
import type { RuleSpec } from '../rule-spec.ts';
import { parseNetwork } from './addresses.ts';
import { checkInterface, checkTarget, standardTargets } from './base-options.ts';
import { completeExtension } from './complete.ts';
import { network } from './draft.ts';
import { grammarOf, type OptionEntry } from './grammar.ts';
import { protocolName, protocolNumber } from './protocols.ts';

const fields: ReadonlySet<string> = new Set([
  ...['protocol', 'source', 'destination', 'inInterface', 'outInterface', 'fragment', 'counter', 'matches', 'target'],
]);

/**
 * The canonical form of a rule: equal for what two spellings mean alike. Text is accepted for any value (`'0x1/0xff'` for a mark), a number
 * where the text would be one. Throws NetfilterError ERR_INVALID_ARG with the path of the value that is wrong.
 */
export function normalizeRule(spec: RuleSpec, family: IpFamily = 'ip'): RuleSpec {
  if (typeof spec !== 'object' || spec === null) throw bad('', `an object is needed, this is ${describe(spec)}`);
  for (const key of Object.keys(spec)) if (!fields.has(key)) throw bad(key, 'a rule has no such field');
  const c = at('protocol', () => protocolContext(spec.protocol, family));
  const out: { -readonly [K in keyof RuleSpec]?: RuleSpec[K] } = {};
  if (c.protocol !== 0) out.protocol = c.protocolInverted ? { not: protocolName(c.protocol) } : protocolName(c.protocol);
  for (const key of ['source', 'destination'] as const) {
    const value = at(key, () => networkOf(spec[key], family));
    if (value !== undefined) out[key] = value;
  }
  for (const key of ['inInterface', 'outInterface'] as const) {
    const value = at(key, () => interfaceName(spec[key]));
    if (value !== undefined) out[key] = value;
  }
  if (spec.fragment !== undefined) out.fragment = at('fragment', () => fragment(spec.fragment, family));
  if (spec.counter !== undefined) out.counter = at('counter', () => counter(spec.counter));
  if (spec.matches !== undefined && !Array.isArray(spec.matches))
    throw bad('matches', `a list is needed, this is ${describe(spec.matches)}`);
  if (spec.matches !== undefined && spec.matches.length > 0) {
    out.matches = spec.matches.map((match, i) => extension('match', match, `matches[${i}]`, c));
  }
  if (spec.target !== undefined) out.target = target(spec.target, c);
  return out;
}

function bad(path: string, reason: string): NetfilterError {
  return new NetfilterError(`rule: ${path === '' ? '' : `${path}: `}${reason}`, { code: 'ERR_INVALID_ARG' });
}

function at<T>(path: string, fn: () => T): T {
  try {
    return fn();
  } catch (err) {
    throw err instanceof ValueError ? bad(path, err.message) : err;
  }
}

function split(value: unknown): { readonly value: unknown; readonly inverted: boolean } {
  return isNot(value) ? { value: value.not, inverted: true } : { value, inverted: false };
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new ValueError(`text is needed, this is ${describe(value)}`);
  return value;
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

function protocolContext(given: unknown, family: IpFamily): ParseContext {
  const { value, inverted } = split(given);
  if (value === undefined) return { family, protocol: 0, protocolInverted: false };
  const number = typeof value === 'number' ? protocolNumber(String(value)) : protocolNumber(textOf(value));
  if (number === undefined) throw new ValueError(`unknown protocol "${String(value)}" specified`);
  if (number === 0 && inverted) throw new ValueError('rule would never match protocol');
  return { family, protocol: number, protocolInverted: inverted };
}

function networkOf(given: unknown, family: IpFamily): RuleSpec['source'] {
  const { value, inverted } = split(given);
  return network(value === undefined ? undefined : parseNetwork(textOf(value), family), inverted);
}

function interfaceName(given: unknown): RuleSpec['inInterface'] {
  const { value, inverted } = split(given);
  if (value === undefined) return undefined;
  const text = textOf(value);
  checkInterface(text);
  if (inverted) return { not: text };
  return text === '+' ? undefined : text;
}

function fragment(given: unknown, family: IpFamily): true | { readonly not: true } {
  if (family === 'ip6') throw new ValueError('is not supported in IPv6, use the frag match instead');
  const { value, inverted } = split(given);
  if (value !== true) throw new ValueError('true or { not: true } is needed');
  return inverted ? { not: true } : true;
}

/** Packets and bytes as a program wrote them, which may be any. */
export function checkCounter(given: unknown, what: string): Counter {
  try {
    return counter(given);
  } catch (err) {
    throw err instanceof ValueError ? new NetfilterError(`${what}: ${err.message}; nothing was sent`, { code: 'ERR_INVALID_ARG' }) : err;
  }
}

function counter(given: unknown): Counter {
  if (typeof given !== 'object' || given === null) throw new ValueError('{ packets, bytes } is needed');
  const { packets, bytes } = given as Readonly<Record<string, unknown>>;
  return { packets: count(packets), bytes: count(bytes) };
}

function count(given: unknown): bigint {
  const n = typeof given === 'number' && Number.isSafeInteger(given) ? BigInt(given) : given;
  if (typeof n !== 'bigint' || n < 0n || n > 0xffffffffffffffffn) throw new ValueError('packets and bytes of 64 bits are needed');
  return n;
}

function target(given: unknown, c: ParseContext): NonNullable<RuleSpec['target']> {
  if (typeof given !== 'object' || given === null)
    throw bad('target', `{ name }, { jump } or { goto } is needed, this is ${describe(given)}`);
  for (const verb of ['jump', 'goto'] as const) {
    if (!Object.hasOwn(given, verb)) continue;
    const name = at(`target.${verb}`, () => chainName((given as Readonly<Record<string, unknown>>)[verb]));
    return verb === 'jump' ? { jump: name } : { goto: name };
  }
  return extension('target', given, 'target', c);
}

function chainName(given: unknown): string {
  const name = textOf(given);
  checkTarget(name);
  if (standardTargets.has(name) || targetNames.has(name)) throw new ValueError(`'${name}' is not a chain`);
  return name;
}

function extension(kind: 'match' | 'target', given: unknown, path: string, c: ParseContext): Extension {
  if (typeof given !== 'object' || given === null) throw bad(path, `{ name, … } is needed, this is ${describe(given)}`);
  const { name } = given as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string') throw bad(`${path}.name`, 'a name is needed');
  if (kind === 'target' && standardTargets.has(name)) return { name } as Extension;
  if (Object.hasOwn(given, 'data')) return unknown(given as Readonly<Record<string, unknown>>, path);
  const codec = codecOf(kind, name, c.family);
  if (codec === undefined) {
    throw bad(`${path}.name`, `nflink knows no ${kind} "${name}" of ${c.family}${kind === 'target' ? '; a chain is { jump: name }' : ''}`);
  }
  return known(codec, given as Readonly<Record<string, unknown>>, path, c);
}

function unknown(given: Readonly<Record<string, unknown>>, path: string): Extension {
  const { name, revision, data } = given;
  if (!(data instanceof Uint8Array)) throw bad(`${path}.data`, `bytes are needed, this is ${describe(data)}`);
  if (typeof revision !== 'number' || !Number.isInteger(revision) || revision < 0 || revision > 0xff)
    throw bad(`${path}.revision`, 'a number from 0 to 255 is needed');
  at(`${path}.name`, () => checkTarget(name as string));
  return { name: name as string, revision, data: data.slice() };
}

function known(codec: Codec, given: Readonly<Record<string, unknown>>, path: string, c: ParseContext): Extension {
  const { byKey, byLong, elementByKey } = grammarOf(codec);
  const options: Record<string, unknown> = { name: codec.name };
  for (const [key, value] of Object.entries(given)) {
    if (key === 'name' || value === undefined) continue;
    if (key === codec.elements?.key) {
      if (!Array.isArray(value)) throw bad(`${path}.${key}`, `a list is needed, this is ${describe(value)}`);
      options[key] = value.map((item: unknown, i) => element(elementByKey, item, `${path}.${key}[${i}]`, c));
      continue;
    }
    const entry = byKey.get(key) ?? byLong.get(key);
    if (entry === undefined || entry.part !== undefined) throw bad(`${path}.${key}`, `${codec.name} has no such option`);
    options[entry.key] = at(`${path}.${key}`, () => option(entry, value, c));
  }
  return at(path, () => completeExtension(codec, options, c));
}

function element(byKey: ReadonlyMap<string, OptionEntry>, given: unknown, path: string, c: ParseContext): Record<string, unknown> {
  if (typeof given !== 'object' || given === null) throw bad(path, `an object is needed, this is ${describe(given)}`);
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const entry = byKey.get(key);
    if (entry === undefined) throw bad(`${path}.${key}`, 'there is no such option');
    options[key] = at(`${path}.${key}`, () => option(entry, value, c));
  }
  return options;
}

function option({ spec }: OptionEntry, given: unknown, c: ParseContext): unknown {
  const { value, inverted } = split(given);
  if (inverted && !spec.not) throw new ValueError('cannot be inverted');
  if (spec.words === 0 && value !== true) throw new ValueError('true is needed');
  if (spec.words === '0-1' && value === true) return inverted ? { not: spec.value.parse([], c) } : spec.value.parse([], c);
  const canonical = spec.value.parse(wordsOfValue(spec.words === '0-1' ? 1 : spec.words, value, spec.value.format.bind(spec.value), c), c);
  return inverted ? { not: canonical } : canonical;
}

function wordsOfValue(
  count: 0 | 1 | 2,
  value: unknown,
  format: (value: unknown, c: ParseContext) => readonly string[],
  c: ParseContext,
): readonly string[] {
  if (count === 0) return [];
  if (typeof value === 'string') {
    if (count === 1) return [value];
    const blank = value.indexOf(' ');
    if (blank < 0) throw new ValueError('two words are needed');
    return [value.slice(0, blank), value.slice(blank + 1)];
  }
  if (typeof value === 'bigint' || (typeof value === 'number' && count === 1)) return [String(value)];
  let words: readonly string[];
  try {
    words = format(value, c);
  } catch (err) {
    if (err instanceof ValueError) throw err;
    // A format trusts its value's shape; a program's own value may have any.
    throw new ValueError(`this value has not the option's form: ${describe(value)}`);
  }
  return words.every((word) => typeof word === 'string') && words.length === count ? words : [String(value)];
}
