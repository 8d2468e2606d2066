// One rule as iptables -L shows it, a row of columns, and as -v beside -A and others shows it, one line of words (xshared.c
// print_rule_details, print_fragment, print_ifaces, print_ipv4_addresses; libxtables xtables_print_num).
import type { Counter } from '../../model/ruleset.ts';
import { type IpFamily, isNot, type ListContext, type Not } from '../extensions/codec.ts';
import { bare } from '../extensions/option-values.ts';
import { codecOf, type Extension } from '../extensions/registry.ts';
import { contextOf } from '../rule/printer.ts';
import { protocolName } from '../rule/protocols.ts';
import type { RuleSpec } from '../rule-spec.ts';

/** What -L was told to show. */
export interface ListSettings {
  readonly numeric: boolean;
  readonly verbose: boolean;
  readonly exact: boolean;
  readonly lineNumbers: boolean;
}

/** In at most five places with K, M, G or T, unless `exact`. */
export function countText(n: bigint, exact: boolean): string {
  if (exact || n <= 99999n) return String(n);
  let rounded = n;
  for (const unit of 'KMG') {
    rounded = (rounded + 500n) / 1000n;
    if (rounded <= 9999n) return `${rounded}${unit}`;
  }
  return `${(rounded + 500n) / 1000n}T`;
}

/** The columns of counters, '' where none are shown. */
export function countColumns({ packets, bytes }: Counter, o: ListSettings): string {
  const width = o.exact ? 8 : 5;
  return o.verbose ? `${countText(packets, o.exact).padStart(width)} ${countText(bytes, o.exact).padStart(width)} ` : '';
}

export function numberColumn(number: number, o: ListSettings): string {
  return o.lineNumbers ? `${String(number).padEnd(4)} ` : '';
}

/** A row of -L from the target's column on. */
export function ruleRow(spec: RuleSpec, family: IpFamily, o: ListSettings): string {
  const c: ListContext = { ...contextOf(spec, family), numeric: o.numeric };
  const any = o.numeric ? '*' : 'any';
  const protocol = String(o.numeric ? c.protocol : protocolWord(c.protocol));
  const interfaces = o.verbose ? ` ${inverted(spec.inInterface, any).padEnd(6)} ${inverted(spec.outInterface, any).padEnd(6)} ` : '';
  const source = address(spec.source, family, o.numeric);
  const destination = address(spec.destination, family, o.numeric);
  const head = `${targetName(spec, family).padEnd(9)} ${c.protocolInverted ? '!' : ' '}${protocol.padEnd(4)} ${fragment(spec)} ${interfaces}`;
  return `${head}${columned(source)} ${columned(destination)} ${goto(spec)}${extensions(spec, c)}`;
}

/** What -v prints of a rule that is written or looked for: numbers, but for the protocol. */
export function ruleDetails(spec: RuleSpec, family: IpFamily): string {
  const c: ListContext = { ...contextOf(spec, family), numeric: true };
  const protocol = `${c.protocolInverted ? '!' : ' '}${protocolWord(c.protocol)}`;
  const interfaces = `in ${inverted(spec.inInterface, '*')} out ${inverted(spec.outInterface, '*')}`;
  const addresses = `${address(spec.source, family, true)} ${address(spec.destination, family, true).replace(/^[ !]/, '$&-> ')}`;
  return `${targetName(spec, family)} ${protocol} opt ${fragment(spec)} ${interfaces} ${addresses}  ${goto(spec)}${extensions(spec, c)}\n`;
}

function protocolWord(number: number): string | number {
  return number === 0 ? 'all' : protocolName(number);
}

function inverted(value: Not<string> | undefined, any: string): string {
  if (value === undefined) return any;
  return `${isNot(value) ? '!' : ''}${bare<string>(value)}`;
}

/** An address after its blank or `!`. Names are not looked up: without -n only `anywhere` is another word. */
function address(value: Not<string> | undefined, family: IpFamily, numeric: boolean): string {
  const sign = isNot(value) ? '!' : ' ';
  const text = value === undefined ? (family === 'ip' ? '0.0.0.0/0' : '::/0') : bare<string>(value);
  // The program for IPv6 looks at the address, the other at the mask.
  const any = family === 'ip' ? text.endsWith('/0') : text.startsWith('::/');
  if (any && !numeric) return `${sign}anywhere`;
  return sign + (text.endsWith(family === 'ip' ? '/32' : '/128') ? text.slice(0, text.lastIndexOf('/')) : text);
}

function columned(address: string): string {
  return address.padEnd(20);
}

function fragment({ fragment }: RuleSpec): string {
  return fragment === undefined ? '--' : isNot(fragment) ? '!f' : '-f';
}

function goto({ target }: RuleSpec): string {
  return target !== undefined && 'goto' in target ? '[goto] ' : '';
}

/** The kernel's name of a target: NOTRACK is a CT. */
function targetName({ target }: RuleSpec, family: IpFamily): string {
  if (target === undefined) return '';
  if ('jump' in target) return target.jump;
  if ('goto' in target) return target.goto;
  return codecOf('target', target.name, family)?.kernelName ?? target.name;
}

function extensions({ matches = [], target }: RuleSpec, c: ListContext): string {
  const listed = matches.map((m) => ('data' in m ? `${m.name} [unsupported revision] ` : listedOptions('match', m, c)));
  if (target !== undefined && 'name' in target)
    listed.push('data' in target ? ` ${target.name} [unsupported revision]` : listedOptions('target', target, c));
  return listed.join('');
}

function listedOptions(kind: 'match' | 'target', e: Extension, c: ListContext): string {
  return codecOf(kind, e.name, c.family)?.list?.(e as never, c) ?? '';
}
