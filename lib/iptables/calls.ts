// Calls of several callers committed together: one commit where all of them can be done. Where some can't, those alone fail, and the others
// are committed without them, as if each had been made one after the other.
import { checkedInput } from '../connection.ts';
import { ENOENT } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';
import type { Applied, CommitSettings, IptablesBackend } from './backend.ts';
import { builtinChain } from './builtin.ts';
import { commandError, NO_SUCH_RULE, operationOf } from './command-error.ts';
import { type CommandOf, chainOfTarget, rulesOfCommands, type TableCommands } from './commands.ts';
import type { IpFamily } from './extensions/codec.ts';

export type RuleCommand = CommandOf<'append'> | CommandOf<'delete'>;

/** What one caller asked for: one command, or one for each address of a list, all of them or none. */
export interface Call {
  readonly family: IpFamily;
  readonly table: string;
  readonly commands: readonly [RuleCommand, ...RuleCommand[]];
  resolve(): void;
  reject(err: unknown): void;
}

/** How often a commit is begun anew that others did not let through: with the tries of each, a hundred commits of others. */
const ROUNDS = 10;

/** Settles every call with its own outcome. Calls on one table are done in their order. */
export function* commitCalls(backend: IptablesBackend, calls: readonly Call[]): Verb<void> {
  const able: Call[] = [];
  for (const call of calls) {
    try {
      yield* backend.learn(rulesOfCommands(call.commands));
      able.push(call);
    } catch (err) {
      call.reject(ofCall(err, call));
    }
  }
  const groups = backend.commitTables === undefined ? byTable(able).values() : [able];
  for (const group of groups) yield* settle(backend, group);
}

/** Every refusal settles a call at least, or halves them: they cost no more than twice as many commits as there are calls. */
function* settle(backend: IptablesBackend, calls: readonly Call[]): Verb<void> {
  let left = calls;
  let rounds = ROUNDS;
  while (left.length > 0) {
    const { work, owners } = numbered(left);
    let sent = false;
    const sending = (): void => {
      sent = true;
    };
    try {
      const { idle } = yield* commit(backend, work, { sending });
      for (const [i, { call }] of owners.entries()) {
        if (idle.has(i)) call.reject(noSuchRule(call));
        else call.resolve();
      }
      return;
    } catch (err) {
      if (isOutdated(err) && --rounds > 0) continue;
      const refused = left.length > 1 ? refusedBy(err, owners) : new Map<Call, NetfilterError>();
      if (refused.size > 0) {
        for (const [call, own] of refused) call.reject(own);
        left = left.filter((call) => !refused.has(call));
        continue;
      }
      const fewerMayPass = err instanceof NetfilterError ? backend.fewerMayPass(err) : !sent;
      if (fewerMayPass && left.length > 1) {
        const half = left.length >> 1;
        yield* settle(backend, left.slice(0, half));
        left = left.slice(half);
        continue;
      }
      const own = left.length === 1 && err instanceof NetfilterError && err.operation !== undefined;
      for (const call of left) call.reject(own ? err : ofCall(err, call));
      return;
    }
  }
}

/** Others have committed whenever it was looked at what the commit builds on. */
function isOutdated(err: unknown): boolean {
  return err instanceof NetfilterError && err.code === 'ERESTART' && err.outcome === 'not-applied';
}

function commit(backend: IptablesBackend, work: readonly TableCommands[], o: CommitSettings): Verb<Applied> {
  if (backend.commitTables !== undefined) return backend.commitTables(work, o);
  const [{ table, commands }] = work as [TableCommands];
  return backend.commit(table, commands, o);
}

/** By the number of a command: whose it is, and its number among those of its call. */
type Owners = readonly { readonly call: Call; readonly own: number }[];

function numbered(calls: readonly Call[]): { readonly work: readonly TableCommands[]; readonly owners: Owners } {
  const tables = [...byTable(calls)];
  // One call alone meets what the verb of its own would.
  const alone = calls.length === 1;
  const commandsOf = (call: Call): readonly RuleCommand[] => (alone ? call.commands : together(call));
  return {
    work: tables.map(([table, ofTable]) => ({ table, fresh: false, commands: ofTable.flatMap(commandsOf) })),
    owners: tables.flatMap(([, ofTable]) => ofTable.flatMap((call) => call.commands.map((_, own) => ({ call, own })))),
  };
}

/**
 * Deletes only what is there: what isn't is then told by the commit and needs no other. Not one of several commands, which are done all or none,
 * and not what no rule can be, which is refused for another reason.
 */
function together({ table, commands }: Call): readonly RuleCommand[] {
  const [only, ...more] = commands;
  if (only.verb !== 'delete' || more.length > 0) return commands;
  const jump = chainOfTarget(only.rule);
  return jump !== undefined && builtinChain(table, jump) !== undefined ? commands : [{ ...only, ifThere: true }];
}

function byTable(calls: readonly Call[]): Map<string, Call[]> {
  const tables = new Map<string, Call[]>();
  for (const call of calls) {
    const others = tables.get(call.table);
    if (others === undefined) tables.set(call.table, [call]);
    else others.push(call);
  }
  return tables;
}

/** The calls that an error is of, whatever becomes of the others, each with its own error; none where it says none. */
function refusedBy(err: unknown, owners: Owners): ReadonlyMap<Call, NetfilterError> {
  const refused = new Map<Call, NetfilterError>();
  if (!(err instanceof NetfilterError) || err.outcome !== 'not-applied') return refused;
  for (const failure of blamed(err.failures, (index) => owners[index]?.call.commands[0].verb === 'delete')) {
    const owner = owners[failure.operation?.index ?? -1];
    if (owner === undefined) return new Map();
    if (!refused.has(owner.call)) refused.set(owner.call, renumbered(failure, owner.own));
  }
  return refused;
}

/**
 * Of the failures of one commit those that nothing else in it can have caused. An attribute that the kernel names is refused for itself. A rule
 * without one is refused for what the table would come to (a loop, a hook), and stays in it till the end: the kernel then refuses every rule
 * after it (nf_tables_newrule, nft_table_validate). What a delete misses may be a rule that was refused itself.
 */
function blamed(failures: readonly NetfilterError[], isDelete: (index: number) => boolean): readonly NetfilterError[] {
  const adds = failures.filter((f) => f.operation === undefined || !isDelete(f.operation.index));
  const named = adds.filter((f) => f.operation?.path !== undefined);
  if (named.length > 0) return named;
  return adds.length > 0 ? adds.slice(0, 1) : failures;
}

/** The error as the call alone would meet it. */
function renumbered(err: NetfilterError, own: number): NetfilterError {
  const { operation } = err;
  if (operation === undefined || operation.index === own) return err;
  return new NetfilterError(err.message.replace(`operation ${operation.index} (`, `operation ${own} (`), {
    code: err.code,
    errno: -err.errno,
    outcome: err.outcome,
    ...(err.kernelMessage === undefined ? {} : { kernelMessage: err.kernelMessage }),
    operation: { ...operation, index: own },
  });
}

function noSuchRule({ family, table, commands }: Call): NetfilterError {
  return commandError(family, table, 0, commands[0], NO_SUCH_RULE, 'ENOENT', ENOENT);
}

/** An error of several calls, as one of this call. */
export function ofCall(err: unknown, { family, table, commands }: Call): unknown {
  if (!(err instanceof NetfilterError)) return input(err);
  const { verb, chain } = commands[0];
  return new NetfilterError(`${verb} in ${table} ${chain}: ${err.message}`, {
    code: err.code,
    errno: -err.errno,
    outcome: err.outcome,
    ...(err.tables === undefined ? {} : { tables: err.tables }),
    ...(err.kernelMessage === undefined ? {} : { kernelMessage: err.kernelMessage }),
    operation: operationOf(family, table, 0, commands[0]),
    cause: err,
  });
}

/** Input that no attribute can hold, as Connection names it. */
function input(err: unknown): unknown {
  try {
    return checkedInput('queue', () => {
      throw err;
    });
  } catch (refused) {
    return refused;
  }
}
