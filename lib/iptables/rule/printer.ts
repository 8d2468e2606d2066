// A rule as iptables-save prints it after `-A chain `.

import type { Counter } from '../../model/ruleset.ts';
import { type Codec, type IpFamily, isNot, type Not, type ParseContext } from '../extensions/codec.ts';
import { codecOf, type Extension } from '../extensions/registry.ts';
import type { RuleSpec } from '../rule-spec.ts';
import { saveQuoted, saveString, saveWord } from '../words.ts';
import { grammarOf } from './grammar.ts';
import { protocolNumber } from './protocols.ts';

/**
 * Prints a canonical rule: what the parser gave, `normalizeRule` or the bytes in a kernel. Its own counter isn't printed, since the save
 * commands have it before the rule; `counter` stands before the target, as -v -S prints it.
 */
export function printRule(spec: RuleSpec, family: IpFamily, counter?: Counter): string {
  const counted = counter === undefined ? '' : ` -c ${counter.packets} ${counter.bytes}`;
  let out = '';
  if (spec.source !== undefined) out += base('-s', spec.source);
  if (spec.destination !== undefined) out += base('-d', spec.destination);
  if (spec.inInterface !== undefined) out += base('-i', spec.inInterface);
  if (spec.outInterface !== undefined) out += base('-o', spec.outInterface);
  if (spec.protocol !== undefined) out += base('-p', spec.protocol);
  if (spec.fragment !== undefined) out += isNot(spec.fragment) ? ' ! -f' : ' -f';
  if (spec.matches !== undefined || (spec.target !== undefined && 'name' in spec.target)) {
    const c = contextOf(spec, family);
    for (const match of spec.matches ?? []) out += ` -m ${printExtension('match', match, c)}`;
    if (spec.target !== undefined && 'name' in spec.target)
      return `${out}${counted} -j ${printExtension('target', spec.target, c)}`.slice(1);
  }
  out += counted;
  const { target } = spec;
  if (target !== undefined && 'jump' in target) out += ` -j ${saveWord(target.jump)}`;
  else if (target !== undefined && 'goto' in target) out += ` -g ${saveWord(target.goto)}`;
  return out.slice(1);
}

/** What an extension's codec may know of a canonical rule. */
export function contextOf(spec: RuleSpec, family: IpFamily): ParseContext {
  const { protocol } = spec;
  if (protocol === undefined) return { family, protocol: 0, protocolInverted: false };
  const inverted = isNot(protocol);
  const word = inverted ? protocol.not : protocol;
  return { family, protocol: typeof word === 'number' ? word : (protocolNumber(word) ?? 0), protocolInverted: inverted };
}

function base(option: string, value: Not<string | number>): string {
  return isNot(value) ? ` ! ${option} ${saveWord(String(value.not))}` : ` ${option} ${typeof value === 'number' ? value : saveWord(value)}`;
}

function printExtension(kind: 'match' | 'target', extension: Extension, c: ParseContext): string {
  const { name } = extension;
  if ('data' in extension) return `${name} [unsupported revision ${extension.revision}]`;
  const codec = codecOf(kind, name, c.family);
  if (codec === undefined) return name;
  return name + printOptions(codec, extension as unknown as Readonly<Record<string, unknown>>, c);
}

function printOptions(codec: Codec, given: Readonly<Record<string, unknown>>, c: ParseContext): string {
  const options: Readonly<Record<string, unknown>> = codec.shown?.(given, c) ?? given;
  let out = '';
  if (codec.print !== undefined) {
    for (const word of codec.print(options, c)) out += ` ${saveWord(word)}`;
    return out;
  }
  for (const { long, key, spec } of grammarOf(codec).printed) {
    let value = options[key];
    if (value === undefined) continue;
    if (spec.not && isNot(value)) {
      out += ' !';
      value = value.not;
    }
    const { quote, wide } = spec.value;
    out += wide === true ? ` --${long} ` : ` --${long}`;
    const save = quote === true ? saveString : quote === 'always' ? saveQuoted : saveWord;
    for (const word of spec.value.format(value, c)) out += ` ${save(word)}`;
  }
  return out;
}
