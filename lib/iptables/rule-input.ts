// What callers may hand over as a rule, a table and a chain: checked here, before anything is sent.
import { NetfilterError } from '../errors.ts';
import { builtinChains, tableNames } from './builtin.ts';
import { checkInterfaces } from './chain-rules.ts';
import type { IpFamily } from './extensions/codec.ts';
import { isForeign } from './installed.ts';
import type { RuleInput, RuleSpec } from './rule-spec.ts';
import { normalizeRule, parseRules } from './rule-text.ts';
import { chainNameError } from './save-text.ts';

/** The rules an input stands for: several where it lists several addresses. Canonical. */
export function rulesOf(input: RuleInput, family: IpFamily, chain: string): RuleSpec[] {
  const specs = readInput(input, family);
  for (const spec of specs) checkInterfaces(chain, spec);
  return specs;
}

function readInput(input: RuleInput, family: IpFamily): RuleSpec[] {
  if (typeof input === 'string') return parseRules(input, family);
  if (isWords(input)) return parseRules(input, family);
  if (typeof input !== 'object' || input === null) throw invalid('a rule is text, a list of words or an object');
  if ('spec' in input) {
    if (isForeign(input.spec)) throw invalid('a foreign rule has no iptables form: it can be handled through Nftables');
    return [withoutCounter(input.spec)];
  }
  return [normalizeRule(input, family)];
}

function isWords(input: RuleInput): input is readonly string[] {
  return Array.isArray(input);
}

/** An installed rule stands for its text: its counter belongs to the one in the kernel. */
function withoutCounter(spec: RuleSpec): RuleSpec {
  const { counter: _, ...rest } = spec;
  return rest;
}

export function checkTable(table: string): void {
  if (builtinChains(table) === undefined) throw invalid(`unknown table ${JSON.stringify(table)}, one of ${tableNames.join(', ')}`);
}

export function checkChain(chain: unknown): void {
  const reason = typeof chain === 'string' ? chainNameError(chain) : 'a chain name is a string';
  if (reason !== undefined) throw invalid(reason);
}

/** A rule number as iptables counts: from 1. */
export function checkNumber(number: unknown): void {
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1)
    throw invalid(`${String(number)} is no rule number: they count from 1`);
}

function invalid(reason: string): NetfilterError {
  return new NetfilterError(`${reason}; nothing was sent`, { code: 'ERR_INVALID_ARG' });
}
