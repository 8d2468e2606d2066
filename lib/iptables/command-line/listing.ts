// The texts of iptables -L and -S: of a table, of one of its chains, or of one rule.
import { NOTHING } from '../../counters/arithmetic.ts';
import { ENOENT, EOPNOTSUPP } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import type { Chain, Counter } from '../../model/ruleset.ts';
import { builtinChain, builtinChains } from '../builtin.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { isForeign } from '../installed.ts';
import { printRule } from '../rule/printer.ts';
import type { IptablesRule } from '../rule-spec.ts';
import { incompatible, type SavableTable, tainted } from '../save-format.ts';
import { countColumns, countText, type ListSettings, numberColumn, ruleRow } from './row.ts';

/** Which part of a table is shown. */
export interface Shown {
  readonly table: string;
  readonly chain: string | undefined;
  /** One rule alone, counted from 1; beyond the end there is nothing to show, as with the real program. */
  readonly number: number | undefined;
}

interface ShownChain {
  readonly name: string;
  /** Of a builtin chain. */
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  readonly counter: Counter;
  readonly references: number;
  readonly rules: readonly IptablesRule[];
}

/** -L. `table`: undefined where the kernel has none, whose builtin chains are shown all the same. Throws ENOENT, and EOPNOTSUPP for what the real program calls incompatible. */
export function listTable(table: SavableTable | undefined, shown: Shown, family: IpFamily, o: ListSettings): string {
  const { number } = shown;
  const chains = chainsOf(table, shown);
  const texts = chains.map((chain) => {
    const rows = chain.rules.map((rule, i) => ruleLine(rule, i + 1, family, o));
    return number === undefined ? header(chain, o) + rows.join('') : (rows[number - 1] ?? '');
  });
  return taint(table, shown) + texts.join('\n');
}

/** -S; with `counters` as -v -S. */
export function listRules(table: SavableTable | undefined, shown: Shown, family: IpFamily, counters: boolean): string {
  const { number } = shown;
  const chains = chainsOf(table, shown);
  const lines: string[] = [];
  if (number === undefined) for (const chain of chains) lines.push(declaration(chain, counters));
  for (const { name, rules } of chains) {
    for (const rule of number === undefined ? rules : rules.slice(number - 1, number)) {
      const { spec } = rule;
      const counted = counters ? rule.counter : undefined;
      const text = isForeign(spec) ? rule.toString() : printRule(spec, family, counted);
      lines.push(text === '' ? `-A ${name}` : `-A ${name} ${text}`);
    }
  }
  return taint(table, shown) + lines.map((line) => `${line}\n`).join('');
}

/** Where one chain is shown the real program has looked at that and at those with builtin names only. */
function taint(table: SavableTable | undefined, { table: name, chain }: Shown): string {
  return chain === undefined || table?.hiddenChains.some((c) => builtinChain(name, c) !== undefined) === true ? tainted(table) : '';
}

function declaration({ name, policy, counter }: ShownChain, counters: boolean): string {
  if (policy === undefined) return `-N ${name}`;
  return `-P ${name} ${policy}${counters ? ` -c ${counter.packets} ${counter.bytes}` : ''}`;
}

/** xshared.c print_header. */
function header({ name, policy, counter, references }: ShownChain, o: ListSettings): string {
  const counted = o.verbose ? ` ${countText(counter.packets, o.exact)} packets, ${countText(counter.bytes, o.exact)} bytes` : '';
  const about = policy === undefined ? `${references} references` : `policy ${policy}${counted}`;
  const counts = !o.verbose ? '' : o.exact ? '    pkts      bytes ' : ' pkts bytes ';
  const columns = `${o.lineNumbers ? 'num  ' : ''}${counts}target     prot opt${o.verbose ? ' in     out   ' : ''} `;
  return `Chain ${name} (${about})\n${columns}${o.verbose ? ' ' : ''}${'source'.padEnd(19)}  ${'destination'.padEnd(19)} \n`;
}

function ruleLine(rule: IptablesRule, number: number, family: IpFamily, o: ListSettings): string {
  const { spec, counter = NOTHING } = rule;
  const text = isForeign(spec) ? rule.toString() : ruleRow(spec, family, o);
  return `${numberColumn(number, o)}${countColumns(counter, o)}${text}\n`;
}

/** The builtin chains first, whether they are there or not. */
function chainsOf(table: SavableTable | undefined, { table: name, chain }: Shown): ShownChain[] {
  const there = table?.chains ?? [];
  const builtin = (builtinChains(name) ?? []).map((b) => {
    const found = there.find((c) => c.name === b.name && c.hook !== undefined);
    return found === undefined ? { ...EMPTY, name: b.name } : shownChain(found);
  });
  const all = [...builtin, ...there.filter((c) => c.hook === undefined).map(shownChain)];
  const wanted = chain === undefined ? all : all.filter((c) => c.name === chain);
  if (wanted.length === 0) throw noChain(name, chain ?? '');
  if (wanted.some((c) => c.rules.some((rule) => table?.canPrint(rule.spec) === false)))
    throw new NetfilterError(incompatible(name), { code: 'EOPNOTSUPP', errno: EOPNOTSUPP });
  return wanted;
}

export function noChain(table: string, chain: string): NetfilterError {
  return new NetfilterError(`No chain/target/match by that name: table ${table} has no chain ${chain}`, { code: 'ENOENT', errno: ENOENT });
}

const EMPTY: Omit<ShownChain, 'name'> = { policy: 'ACCEPT', counter: NOTHING, references: 0, rules: [] };

function shownChain(c: Chain<IptablesRule>): ShownChain {
  const policy = c.hook === undefined || builtinChain(c.table, c.name) === undefined ? undefined : c.policy === 'drop' ? 'DROP' : 'ACCEPT';
  return { name: c.name, policy, counter: c.counter ?? NOTHING, references: c.references ?? 0, rules: c.rules };
}
