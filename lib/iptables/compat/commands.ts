// Commands laid out as one nf_tables batch and sent. What was looked at holds for one generation only: the commit is then
// conditional on it, and everything is done again where somebody else has committed in between.
import { type LedgerEntry, ledgerOf } from '../../counters/ledger.ts';
import { type FailedOperation, NetfilterError } from '../../errors.ts';
import { Batch } from '../../nftables/batch.ts';
import { resolveLookups } from '../../nftables/lookups.ts';
import { type CommitResult, type Operation, sendBatch } from '../../nftables/send.ts';
import type { Verb } from '../../run.ts';
import type { Applied, CommitSettings } from '../backend.ts';
import { builtinChain } from '../builtin.ts';
import { operationOf } from '../command-error.ts';
import { type Command, chainOfTarget, rulesOfCommands, type TableCommands } from '../commands.ts';
import type { CompatContext } from './context.ts';
import { Layout } from './layout.ts';
import { look, type View } from './look.ts';

const TRIES = 10;
const CONDITIONAL_TRIES = 5;
/** A little more than a rule with a comment takes: the writer then need not grow. */
const BYTES_A_COMMAND = 700;

export interface CommandSettings extends CommitSettings {
  readonly handles?: boolean;
  /** Whether the [packets:bytes] before commands of save text count. */
  readonly counters?: boolean;
}
export type CommandsResult = CommitResult & Applied;

/** Applies all commands of all tables or none. */
export function* commitCommands(context: CompatContext, work: readonly TableCommands[], o: CommandSettings): Verb<CommandsResult> {
  for (const { commands } of work) yield* context.learn(rulesOfCommands(commands));
  const length = work.reduce((sum, t) => sum + t.commands.length, 0);
  // A table that isn't there yet is rare: it costs a second try instead of a question each time.
  let addTable = false;
  const retries: Retries = { left: TRIES - 1, conditional: CONDITIONAL_TRIES - 1 };
  for (;;) {
    const view = yield* look(context, work, addTable);
    const batch = new Batch((length + 1) * BYTES_A_COMMAND);
    const bytes = context.bytes();
    const messages = new Map<number, number>();
    const idle = new Set<number>();
    let deletes = false;
    let first = 0;
    const zeroed: LedgerEntry[] = [];
    for (const [i, t] of work.entries()) {
      const tableView = view.tables[i];
      if (tableView === undefined) continue;
      const settings = { counters: o.counters === true, first, ...(o.handles === false ? {} : { messages }) };
      const layout = new Layout(context, batch, bytes, t, tableView, settings);
      layout.run(addTable);
      for (const index of layout.idle) idle.add(index);
      deletes ||= layout.deletes;
      zeroed.push(...layout.zeroed);
      first += t.commands.length;
    }
    try {
      yield* resolveLookups(context.connection, batch.lookups, batch.writer);
      const changes = length - idle.size;
      // A table that begins anew is emptied, whatever its commands do.
      const nothing = changes === 0 && !work.some((t) => t.fresh);
      const send = (generation: number | undefined): Verb<CommitResult> =>
        sendBatch(context.connection, nothing ? new Batch() : batch, {
          ...(o.dryRun === undefined ? {} : { dryRun: o.dryRun }),
          ...(o.sending === undefined ? {} : { sending: o.sending }),
          ...(o.handles === undefined ? {} : { handles: o.handles }),
          ...(generation === undefined ? {} : { generation }),
        });
      const sent = (): Verb<Sent> => sendWhileSame(context, work, view, retries, send);
      const { result, generation } = yield* zeroed.length === 0 || o.dryRun === true ? sent() : noted(context, zeroed, sent);
      const made = result.generation ?? (deletes && generation !== undefined ? generation + 1 : undefined);
      if (o.dryRun !== true && !nothing) remember(context, work, view, generation, made);
      return {
        ...(result.generation === undefined ? {} : { generation: result.generation }),
        handle: (op: Operation) => result.handle({ index: messages.get(op.index) ?? -1 }),
        changes,
        idle,
      };
    } catch (err) {
      if (!(err instanceof NetfilterError)) throw err;
      if (isOutdated(err)) context.known.clear();
      if (isOutdated(err) && retries.left-- > 0) continue;
      if (!addTable && missesTableOrBuiltin(err, work)) {
        context.known.clear();
        addTable = true;
        continue;
      }
      throw explained(context, err, work, length);
    }
  }
}

/** How often it may be tried again in all, and under the condition that nobody has committed. */
interface Retries {
  left: number;
  conditional: number;
}
interface Sent {
  readonly result: CommitResult;
  /** What the commit was conditional on. */
  readonly generation: number | undefined;
}

/**
 * Sends. Where nothing but builtin chains was looked at, another's commit in between costs another look and no other batch; who meets one every
 * time goes without the condition in the end, a moment after a look.
 */
function* sendWhileSame(
  context: CompatContext,
  work: readonly TableCommands[],
  { tables, strict, ...view }: View,
  retries: Retries,
  send: (generation: number | undefined) => Verb<CommitResult>,
): Verb<Sent> {
  let { generation } = view;
  for (;;) {
    try {
      return { result: yield* send(generation), generation };
    } catch (err) {
      if (strict || generation === undefined || !isOutdated(err) || retries.left <= 0) throw err;
      retries.left--;
      context.known.clear();
      const again = yield* look(context, work);
      // The batch makes chains that are there by now, or lacks some.
      if (!again.tables.every((t, i) => isSameSet(t.missing, tables[i]?.missing ?? t.missing))) throw err;
      generation = retries.conditional-- > 0 || declaresBare(work) ? again.generation : undefined;
    }
  }
}

/** `:INPUT -` for a chain that has just gone away would make an ordinary chain of that name. */
function declaresBare(work: readonly TableCommands[]): boolean {
  const bare = (table: string, c: Command): boolean =>
    c.verb === 'declareChain' && c.policy === undefined && builtinChain(table, c.chain) !== undefined;
  return work.some(({ table, commands }) => commands.some((c) => bare(table, c)));
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name));
}

/** Somebody has committed since the generation that the batch was conditional on. */
function isOutdated(err: unknown): boolean {
  return err instanceof NetfilterError && err.code === 'ERESTART';
}

/** What is known of builtin chains after a commit of ours, conditional on `from` or not, that made the generation `to`. */
function remember(
  { known }: CompatContext,
  work: readonly TableCommands[],
  view: View,
  from: number | undefined,
  to: number | undefined,
): void {
  for (const { fresh, table } of work) if (fresh) known.forget(table);
  if (to === undefined) {
    if (from !== undefined) known.clear();
    return;
  }
  known.committed(from, to);
  if (from === undefined) return;
  for (const [i, { table }] of work.entries()) for (const chain of view.tables[i]?.missing ?? []) known.add(to, table, chain);
}

/** Who compares polls learns what was put to zero. */
function noted<T>(context: CompatContext, zeroed: readonly LedgerEntry[], send: () => Verb<T>): Verb<T> {
  const ledger = ledgerOf(context.connection);
  return ledger.during(function* () {
    const result = yield* send();
    for (const entry of zeroed) ledger.add(entry);
    return result;
  });
}

function commandAt(work: readonly TableCommands[], index: number): { readonly table: string; readonly command: Command } | undefined {
  let first = 0;
  for (const { table, commands } of work) {
    const command = commands[index - first];
    if (index < first + commands.length) return command && { table, command };
    first += commands.length;
  }
  return undefined;
}

/** Whether the kernel missed the table, or a builtin chain that was there when it was looked at. */
function missesTableOrBuiltin(err: NetfilterError, work: readonly TableCommands[]): boolean {
  return err.failures.some((f) => {
    if (f.operation === undefined) return false;
    const { index, path } = f.operation;
    const found = commandAt(work, index);
    // The kernel's way of saying that there is no chain whose policy could be set (nf_tables_newchain).
    if (f.code === 'EOPNOTSUPP') return found?.command.verb === 'setPolicy' && path === 'policy';
    if (f.code !== 'ENOENT' || found === undefined) return false;
    if (path === 'table') return true;
    const { chain } = found.command;
    return (path === 'chain' || path === 'name') && chain !== undefined && builtinChain(found.table, chain) !== undefined;
  });
}

/** The kernel's errors in words of the commands: the line of save text, and the chain that a jump misses. */
export function explained(context: CompatContext, err: NetfilterError, work: readonly TableCommands[], length: number): NetfilterError {
  const seen = new Set<number>();
  const failures: NetfilterError[] = [];
  for (const f of err.failures) {
    const { operation } = f;
    if (operation === undefined) return err;
    // A command may stand for several messages: one failure tells.
    if (seen.has(operation.index)) continue;
    seen.add(operation.index);
    const found = commandAt(work, operation.index);
    failures.push(found === undefined ? f : explainedOne(f, operation, context.family, found));
  }
  const [one, ...more] = failures;
  if (one === undefined || more.length === 0) return one ?? err;
  return copyOf(one, `${one.message} (and ${more.length} more of ${length} commands failed)`, { failures });
}

function explainedOne(
  f: NetfilterError,
  { index, path }: FailedOperation,
  family: string,
  { table, command: c }: { readonly table: string; readonly command: Command },
): NetfilterError {
  const chain = 'rule' in c ? chainOfTarget(c.rule) : undefined;
  const misses = f.code === 'ENOENT' && chain !== undefined && (path?.startsWith('expressions') ?? false);
  const missed = misses ? `no chain "${chain}": ` : '';
  const line = c.line === undefined ? '' : `line ${c.line}: `;
  // The messages of a command are nft's; what failed is the command.
  const operation = { ...operationOf(family, table, index, c), ...(path === undefined ? {} : { path }) };
  return copyOf(f, `${line}${missed}${f.message}`, { operation });
}

function copyOf(
  err: NetfilterError,
  message: string,
  more: { readonly operation?: FailedOperation; readonly failures?: readonly NetfilterError[] },
): NetfilterError {
  return new NetfilterError(message, {
    code: err.code,
    errno: -err.errno,
    outcome: err.outcome,
    ...(err.kernelMessage === undefined ? {} : { kernelMessage: err.kernelMessage }),
    ...(err.operation === undefined ? {} : { operation: err.operation }),
    ...more,
    cause: err,
  });
}
