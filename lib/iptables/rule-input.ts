// What callers may hand over as a rule, a table and a chain: checked here, before anything is sent.
import { NetfilterError } from '../errors.ts';
import { builtinChains, chainNameError, newChainError, tableNames } from './builtin.ts';
import { refusedInterface } from './chain-rules.ts';
import type { IpFamily } from './extensions/codec.ts';
import { isForeign } from './installed.ts';
import { RuleParser } from './rule/parser.ts';
import type { RuleInput, RuleSpec } from './rule-spec.ts';
import { normalizeRule, parseRulesFor, templateOf } from './rule-text.ts';

/** The rules an input stands for: several where it lists several addresses. Canonical. */
export function rulesOf(input: RuleInput, family: IpFamily, chain: string): RuleSpec[] {
  if (typeof input === 'string' || isWords(input)) return parseRulesFor(chain, input, family);
  if (typeof input !== 'object' || input === null) throw invalid('a rule is text, a list of words or an object');
  const words = templateOf(input as RuleSpec);
  if (words !== undefined) return new RuleParser(words, family, { chain }).rules();
  let spec: RuleSpec;
  let given: RuleSpec;
  if ('spec' in input) {
    if (isForeign(input.spec)) throw invalid('a foreign rule has no iptables form: it can be handled through Nftables');
    spec = given = withoutCounter(input.spec);
  } else spec = normalizeRule((given = input), family);
  const side = refusedInterface(chain, { in: given.inInterface !== undefined, out: given.outInterface !== undefined });
  if (side !== undefined) throw invalid(`rule: ${side === 'i' ? 'in' : 'out'}Interface: can't use -${side} with ${chain}`);
  return [spec];
}

/** The one rule of an input, where several have no meaning. */
export function oneRule(input: RuleInput, family: IpFamily, chain: string): RuleSpec {
  const [first, ...more] = rulesOf(input, family, chain);
  if (first === undefined || more.length > 0) throw invalid('a list of addresses stands for several rules, and here is one: name each');
  return first;
}

function isWords(input: RuleInput): input is readonly string[] {
  return Array.isArray(input);
}

/** An installed rule stands for its text: its counter belongs to the one in the kernel. */
export function withoutCounter(spec: RuleSpec): RuleSpec {
  if (spec.counter === undefined) return spec;
  const { counter: _, ...rest } = spec;
  return rest;
}

export function checkTable(table: unknown): void {
  if (typeof table !== 'string' || builtinChains(table) === undefined)
    throw invalid(`unknown table ${JSON.stringify(table)}, one of ${tableNames.join(', ')}`);
}

export function checkChain(chain: unknown): void {
  const reason = typeof chain === 'string' ? chainNameError(chain) : 'a chain name is a string';
  if (reason !== undefined) throw invalid(reason);
}

/** The name of a chain that is to be made. */
export function checkNewChain(chain: unknown): void {
  const reason = typeof chain === 'string' ? newChainError(chain) : 'a chain name is a string';
  if (reason !== undefined) throw invalid(reason);
}

/** A rule number as iptables counts: from 1. */
export function checkNumber(number: unknown): void {
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1)
    throw invalid(`${String(number)} is no rule number: they count from 1`);
}

export function checkPolicy(policy: unknown): void {
  if (policy !== 'ACCEPT' && policy !== 'DROP') throw invalid(`bad policy ${JSON.stringify(policy)}, ACCEPT or DROP`);
}

function invalid(reason: string): NetfilterError {
  return new NetfilterError(`${reason}; nothing was sent`, { code: 'ERR_INVALID_ARG' });
}
