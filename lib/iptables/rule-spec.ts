// One iptables rule as typed options: what parseRule gives and formatRule prints.
import type { Counter, InstalledRule } from '../model/ruleset.ts';
import type { Expression } from '../nftables/expressions/index.ts';
import type { Not } from './extensions/codec.ts';
import type { Extension } from './extensions/registry.ts';

export type { IpFamily, Not } from './extensions/codec.ts';
export type { Extension } from './extensions/registry.ts';

/** Canonical when parseRule made it: addresses with their mask ('10.0.0.1/32'), protocols by name where there is one. */
export interface RuleSpec {
  /** A name of /etc/protocols as iptables prints it, or a number. */
  readonly protocol?: Not<string | number>;
  /** address[/mask]. */
  readonly source?: Not<string>;
  readonly destination?: Not<string>;
  /** At most 15 bytes; a trailing + stands for any name that begins so. */
  readonly inInterface?: Not<string>;
  readonly outInterface?: Not<string>;
  /** -f: second and further fragments (ip only). */
  readonly fragment?: Not<true>;
  /** -c packets bytes. */
  readonly counter?: Counter;
  readonly matches?: readonly Extension[];
  readonly target?: Extension | { readonly jump: string } | { readonly goto: string };
}

/** A rule of an iptables table that iptables-nft itself would call incompatible: shown, kept, never damaged. */
export interface ForeignRule {
  readonly foreign: true;
  readonly expressions: readonly Expression[];
}

export interface IptablesRule extends InstalledRule {
  readonly spec: RuleSpec | ForeignRule;
  /** The line after `-A chain`, as iptables-save prints it. */
  toString(): string;
}

/** Text with iptables-restore's quoting, an argument list, or an object. */
export type RuleInput = string | readonly string[] | RuleSpec | IptablesRule;
