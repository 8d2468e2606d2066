// A command line carried out on a backend: what it prints, and whether anything is other than before.
import { EINVAL, ENOENT } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import type { Verb } from '../../run.ts';
import type { IptablesBackend, IptablesRuleset } from '../backend.ts';
import { builtinChain, builtinStays } from '../builtin.ts';
import type { Command } from '../commands.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { helpText, versionText } from './about.ts';
import { listRules, listTable, noChain } from './listing.ts';
import type { CommandLine, ShownLine } from './parse.ts';
import { ruleDetails } from './row.ts';

export interface RunResult {
  /** What the real program prints to its standard output. */
  readonly stdout: string;
  /** Whether the command had something to do. */
  readonly changed: boolean;
}

/** Whether the line may write: it then has its place among the transactions. */
export function writes(line: CommandLine | ShownLine): boolean {
  return !('show' in line) && line.commands.length > 0;
}

export function* runLine(backend: IptablesBackend, family: IpFamily, line: CommandLine | ShownLine): Verb<RunResult> {
  if ('show' in line) return { stdout: line.show === 'help' ? helpText : versionText(backend.name), changed: false };
  const { table, command, settings } = line;
  switch (command.letter) {
    case 'L':
    case 'S': {
      // Listed first: what it shows is what -Z then takes away, but for what is counted in between.
      const listed = yield* list(backend, family, line);
      const changed = yield* apply(backend, table, line.commands);
      return { stdout: command.zero && settings.verbose ? listed + (yield* namedChains(backend, line)) : listed, changed };
    }
    case 'C':
      return yield* check(backend, family, line);
    case 'X':
      return yield* deleteChains(backend, line);
    case 'F':
    case 'Z': {
      const changed = yield* apply(backend, table, line.commands);
      return { stdout: settings.verbose ? yield* namedChains(backend, line) : '', changed };
    }
    default: {
      const changed = yield* apply(backend, table, line.commands);
      return { stdout: details(line, family), changed };
    }
  }
}

function* apply(backend: IptablesBackend, table: string, commands: readonly Command[]): Verb<boolean> {
  if (commands.length === 0) return false;
  return (yield* backend.commit(table, commands, {})).changes > 0;
}

/** With -v, each rule of the line. */
function details({ command, rules, settings }: CommandLine, family: IpFamily): string {
  const named = 'ACIR'.includes(command.letter) || (command.letter === 'D' && command.more === undefined);
  return settings.verbose && named ? rules.map((rule) => ruleDetails(rule, family)).join('') : '';
}

function* list(backend: IptablesBackend, family: IpFamily, { table: name, command, settings }: CommandLine): Verb<string> {
  const table = tableOf(yield* backend.snapshot([name]), name);
  const shown = { table: name, chain: command.chain, number: command.more === undefined ? undefined : Number(command.more) };
  return command.letter === 'L' ? listTable(table, shown, family, settings) : listRules(table, shown, family, settings.verbose);
}

function tableOf(ruleset: IptablesRuleset, name: string): IptablesRuleset['tables'][number] | undefined {
  return ruleset.tables.find((t) => t.name === name);
}

function* check(backend: IptablesBackend, family: IpFamily, line: CommandLine): Verb<RunResult> {
  const { table, command, rules } = line;
  for (const rule of rules) {
    if (yield* backend.exists(table, command.chain ?? '', rule)) continue;
    const reason = `Bad rule (does a matching rule exist in that chain?): table ${table}, chain ${command.chain}`;
    throw new NetfilterError(reason, { code: 'ENOENT', errno: ENOENT });
  }
  return { stdout: details(line, family), changed: false };
}

/** A builtin chain stays, and with it its policy, whatever iptables-nft makes of an empty one. */
function* deleteChains(backend: IptablesBackend, { table, command, commands, settings }: CommandLine): Verb<RunResult> {
  const { chain } = command;
  // All there are then: whoever makes one meanwhile is not in the way. Their names are asked for to be printed only.
  const all = chain === undefined && !settings.verbose ? [] : yield* backend.chains(table);
  if (chain !== undefined && builtinChain(table, chain) !== undefined)
    throw new NetfilterError(builtinStays(table, chain), { code: 'EINVAL', errno: EINVAL });
  if (chain !== undefined && !all.includes(chain)) throw noChain(table, chain);
  const chains = all.filter((name) => builtinChain(table, name) === undefined && (chain === undefined || name === chain));
  const changed = yield* apply(backend, table, commands);
  return { stdout: settings.verbose ? chains.map((name) => `Deleting chain \`${name}'\n`).join('') : '', changed };
}

/**
 * With -v, -F and -Z name the chains they go through. Builtin chains are all there on legacy tables; on nf_tables -F names those too that nobody
 * has made yet, and so does -L or -S with -Z, while -Z alone goes through what is there.
 */
function* namedChains(backend: IptablesBackend, { table, command }: CommandLine): Verb<string> {
  const { letter, chain, more } = command;
  if (more !== undefined) return '';
  const verb = letter === 'F' ? 'Flushing' : 'Zeroing';
  const all = yield* backend.chains(table);
  const there = letter !== 'Z' || backend.name === 'legacy' ? all : yield* madeChains(backend, table);
  const named = all.filter((name) => (chain === undefined || name === chain) && there.includes(name));
  return named.map((name) => `${verb} chain \`${name}'\n`).join('');
}

function* madeChains(backend: IptablesBackend, name: string): Verb<readonly string[]> {
  return tableOf(yield* backend.snapshot([name]), name)?.chains.map((c) => c.name) ?? [];
}
