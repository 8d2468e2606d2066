// What must be known of the kernel before commands can be laid out: the rules of chains that commands name by number or
// text, and which builtin chains there are.
import type { Connection } from '../../connection.ts';
import { EOPNOTSUPP } from '../../errno.ts';
import { type FailedOperation, NetfilterError } from '../../errors.ts';
import { tableMustExist } from '../../nftables/counters.ts';
import { RuleDump } from '../../nftables/installed-rule.ts';
import { type ChainAttributes, chainTable } from '../../nftables/objects/chain.ts';
import { families, NFT_MSG_GETCHAIN } from '../../nftables/objects/messages.ts';
import { decodeAll } from '../../nftables/picture.ts';
import { dump, dumpRules, nftType, readGeneration, request } from '../../nftables/read.ts';
import type { Verb } from '../../run.ts';
import { readMessage } from '../../wire/attributes.ts';
import { AttributeWriter } from '../../wire/writer.ts';
import { builtinChain } from '../builtin.ts';
import { operationOf } from '../command-error.ts';
import { type Command, looksAtRules, type TableCommands } from '../commands.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { CompatContext } from './context.ts';
import { isIptablesChain, isUsableChain } from './ruleset.ts';

/** One table as the commands find it. */
export interface TableView {
  /** The table isn't there, and none of the commands makes anything: there is nothing to do. */
  readonly nowhere: boolean;
  /** Rules of the chains whose rules must be known, by their names in the kernel. */
  readonly dumps: ReadonlyMap<string, RuleDump>;
  /** Of those chains, user chains that are not there. */
  readonly absent: ReadonlySet<string>;
  /** Builtin chains to be made: the commands need them and they are not there. */
  readonly missing: ReadonlySet<string>;
  /** Of the chains to be made unless they are there, those that are. */
  readonly there: ReadonlySet<string>;
  /** The user chains, where they are all to be deleted. */
  readonly users: ReadonlySet<string>;
  /** The chains whose counters are to be zero, with what the builtin ones have counted. */
  readonly counted: ReadonlyMap<string, ChainAttributes['counters']>;
}
export interface View {
  readonly tables: readonly TableView[];
  /** What was looked at, now or before, is true in this generation only. Absent: nothing was. */
  readonly generation?: number;
  /** More than builtin chains was looked at. */
  readonly strict: boolean;
}

/** `tablesMissing`: the kernel has said that a table isn't there. */
export function* look(context: CompatContext, work: readonly TableCommands[], tablesMissing = false): Verb<View> {
  const emptying = work.map((t) => tablesMissing && !t.fresh && t.commands.every(makesNothing));
  const builtins = work.map(builtinsOf);
  const looked = work.map((t) => (t.fresh ? new Set<string>() : chainsLookedAt(t.commands)));
  const zeroed = work.map((t) => t.commands.flatMap((c) => (c.verb === 'zero' ? [c.chain] : [])));
  const asked = work.map((t) => t.commands.flatMap((c) => (c.verb === 'newChain' && c.unlessThere === true ? [c.chain] : [])));
  const deletesAll = work.map((t) => !t.fresh && t.commands.some((c) => c.verb === 'deleteUserChains'));
  const strict =
    emptying.includes(true) ||
    deletesAll.includes(true) ||
    [...asked, ...zeroed].some((chains) => chains.length > 0) ||
    looked.some((chains) => chains.size > 0) ||
    work.some(renames);
  const { known } = context;
  const knowsAll = work.every((t, i) => (builtins[i] ?? []).every((chain) => known.has(known.generation, t.table, chain)));
  const generation = strict || !knowsAll ? (yield* readGeneration(context.connection)).generation : known.generation;
  if (generation !== undefined) known.lookAt(generation);
  const tables: TableView[] = [];
  let first = 0;
  for (const [i, t] of work.entries()) {
    const missing = new Set<string>();
    for (const chain of builtins[i] ?? []) {
      if (generation === undefined || known.has(generation, t.table, chain)) continue;
      const found = yield* askChain(context, t.table, chain);
      if (found === undefined) {
        if (t.commands.some((c) => c.chain === chain && makesBuiltin(t.table, c))) missing.add(chain);
      } else if (!isUsableChain(t.table, context.family, found)) {
        const at = t.commands.findIndex((c) => c.chain === chain);
        throw hiddenChain(
          t.table,
          chain,
          found.hook !== undefined,
          operationOf(context.family, t.table, first + at, t.commands[at] as Command),
        );
      } else known.add(generation, t.table, chain);
    }
    const dumps = new Map<string, RuleDump>();
    const counted = yield* countedChains(context, t, zeroed[i] ?? []);
    for (const chain of counted.keys()) looked[i]?.add(chain);
    const absent = new Set<string>();
    for (const chain of looked[i] ?? []) {
      const dump = new RuleDump(yield* dumpRules(context.connection, { family: families[context.family], table: t.table, chain }));
      dumps.set(chain, dump);
      const empty = dump.length === 0 && builtinChain(t.table, chain) === undefined;
      if (empty && (yield* askChain(context, t.table, chain)) === undefined) absent.add(chain);
    }
    const there = new Set<string>();
    for (const chain of asked[i] ?? []) {
      if (builtinChain(t.table, chain) !== undefined || (yield* askChain(context, t.table, chain)) !== undefined) there.add(chain);
    }
    const users = deletesAll[i] === true ? yield* userChains(context, t.table) : new Set<string>();
    const nowhere = emptying[i] === true && !(yield* hasTable(context, t.table));
    tables.push({ nowhere, dumps, absent, missing, there, users, counted });
    first += t.commands.length;
  }
  const needed = strict || builtins.some((chains) => chains.length > 0);
  return { tables, strict, ...(generation === undefined || !needed ? {} : { generation }) };
}

/** All chains of the family. */
export function* dumpChains(connection: Connection, family: IpFamily): Verb<readonly ChainAttributes[]> {
  const reply = yield* dump(connection, 'dump of chains', NFT_MSG_GETCHAIN, families[family]);
  return decodeAll(reply, chainTable).map(({ attributes }) => attributes);
}

function* userChains({ connection, family }: CompatContext, table: string): Verb<Set<string>> {
  const all = yield* dumpChains(connection, family);
  const mine = all.filter((a) => a.table === table && a.hook === undefined && builtinChain(table, a.name ?? '') === undefined);
  return new Set(mine.map((a) => a.name ?? ''));
}

/** Of the chains to be zeroed (undefined: all), those that are there and that iptables sees. */
function* countedChains(
  context: CompatContext,
  t: TableCommands,
  zeroed: readonly (string | undefined)[],
): Verb<Map<string, ChainAttributes['counters']>> {
  const counted = new Map<string, ChainAttributes['counters']>();
  if (t.fresh || zeroed.length === 0) return counted;
  const all = zeroed.includes(undefined) ? yield* dumpChains(context.connection, context.family) : [];
  for (const a of all) {
    if (a.table === t.table && a.name !== undefined && isIptablesChain(t.table, context.family, a)) counted.set(a.name, a.counters);
  }
  for (const chain of zeroed) {
    if (chain === undefined || counted.has(chain)) continue;
    const found = yield* askChain(context, t.table, kernelNames(t.commands).get(chain) ?? chain);
    if (found?.name !== undefined) counted.set(found.name, found.counters);
  }
  return counted;
}

/** A chain in the kernel; undefined where there is none. */
export function* askChain(context: CompatContext, table: string, chain: string): Verb<ChainAttributes | undefined> {
  const w = new AttributeWriter(64);
  chainTable.encode(w, { table, name: chain });
  try {
    const data = yield* request(
      context.connection,
      `chain ${table} ${chain}`,
      nftType(NFT_MSG_GETCHAIN),
      families[context.family],
      w.written(),
    );
    const message = readMessage(data, 0);
    return chainTable.decode(data, message.start, message.end) ?? {};
  } catch (err) {
    if (err instanceof NetfilterError && err.code === 'ENOENT') return undefined;
    throw err;
  }
}

/** What the real program calls "CHAIN_ADD failed (Operation not supported)". */
export function hiddenChain(table: string, chain: string, hooked: boolean, operation?: FailedOperation): NetfilterError {
  const what = !hooked
    ? 'has no hook, so that no packet passes it: iptables makes it a base chain'
    : 'is a base chain of another type, hook or priority than iptables gives it: iptables does not see it, Nftables does';
  return new NetfilterError(`chain ${chain} of table ${table} ${what}; nothing was sent`, {
    code: 'EOPNOTSUPP',
    errno: EOPNOTSUPP,
    ...(operation === undefined ? {} : { operation }),
  });
}

/** Whether the command makes no table where there is none, as with the real programs: -F, -Z and -X of all chains. */
function makesNothing(c: Command): boolean {
  return c.verb === 'deleteUserChains' || ((c.verb === 'flushChain' || c.verb === 'zero') && c.chain === undefined);
}

export function* hasTable(context: Pick<CompatContext, 'connection' | 'family'>, table: string): Verb<boolean> {
  try {
    yield* tableMustExist(context.connection, { family: families[context.family], table });
    return true;
  } catch (err) {
    if (err instanceof NetfilterError && err.code === 'ENOENT') return false;
    throw err;
  }
}

/** Builtin chains that the commands name in a table that does not begin empty. */
function builtinsOf(t: TableCommands): string[] {
  if (t.fresh) return [];
  const names = new Set<string>();
  for (const c of t.commands) {
    if (c.chain === undefined || c.verb === 'newChain' || c.verb === 'renameChain') continue;
    if (builtinChain(t.table, c.chain) !== undefined) names.add(c.chain);
  }
  return [...names];
}

/** Whether the command makes its builtin chain where that is missing. */
export function makesBuiltin(table: string, c: Command): boolean {
  if (c.chain === undefined || builtinChain(table, c.chain) === undefined) return false;
  switch (c.verb) {
    case 'append':
    case 'insert':
    case 'setPolicy':
    case 'flushChain':
    case 'declareChain':
      return true;
    default:
      return false;
  }
}

/** Chains whose rules must be known, by their names in the kernel. */
function chainsLookedAt(commands: readonly Command[]): Set<string> {
  const chains = new Set<string>();
  const before = new Map<string, string>();
  // Where all chains are zeroed, every one that a command has filled is.
  const all = commands.some((c) => c.verb === 'zero' && c.chain === undefined);
  for (const c of commands) {
    follow(c, before);
    if (c.chain !== undefined && c.verb !== 'renameChain' && (all || looksAtRules(c))) chains.add(before.get(c.chain) ?? c.chain);
  }
  return chains;
}

/** What the kernel calls the chains that the commands rename, by their last names. */
function kernelNames(commands: readonly Command[]): ReadonlyMap<string, string> {
  const before = new Map<string, string>();
  for (const c of commands) follow(c, before);
  return before;
}

function follow(c: Command, before: Map<string, string>): void {
  if (c.verb === 'deleteChain') before.delete(c.chain);
  if (c.verb !== 'renameChain') return;
  const old = before.get(c.chain) ?? c.chain;
  before.delete(c.chain);
  before.set(c.to, old);
}

function renames(t: TableCommands): boolean {
  return !t.fresh && t.commands.some((c) => c.verb === 'renameChain');
}
