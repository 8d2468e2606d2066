// Commands on one legacy table, in one native call: lock, read, apply, commit, unlock.
import type { Connection } from '../../connection.ts';
import { NOTHING } from '../../counters/arithmetic.ts';
import { E2BIG, EBUSY, EEXIST, EINVAL, ELOOP, EMLINK, ENOENT, ENOTEMPTY, EPROTO, ERESTART, errnoName, errnoText } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import type { Counter } from '../../model/ruleset.ts';
import { type NativeFailure, type NativeXtCommitReply, XT_CREATE, XT_DRY_RUN } from '../../native.ts';
import type { Verb } from '../../run.ts';
import type { Applied } from '../backend.ts';
import { builtinChain, builtinStays, noChain } from '../builtin.ts';
import { commandError, NO_SUCH_RULE, operationOf } from '../command-error.ts';
import { type Command, chainOfTarget, misplaced, rulesOfCommands, type TableCommands } from '../commands.ts';
import type { RuleContext } from '../context.ts';
import type { BytesContext } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { XtRule } from '../xt-rule.ts';
import { type EmptyOutcome, EmptyTable } from './empty-table.ts';
import { whenFree } from './lock.ts';
import { familyBit, legacyError, lockPath } from './requests.ts';
import { unreadable } from './table.ts';
import { CommandWriter } from './wire.ts';

/** `expected` of a table that was not there. */
export const TABLE_ABSENT = new Uint8Array(1);
/** `expected` of who does not care. */
export const NOT_CHECKED = new Uint8Array(0);

export interface LegacySettings {
  readonly dryRun?: boolean;
  /** Whether the [packets:bytes] before commands of save text count. */
  readonly counters?: boolean;
  readonly lockTimeoutMs: number;
  /** The digest of the table as it was looked at, TABLE_ABSENT where there was none: fails with ERESTART where it is another under the lock. */
  readonly expected?: Uint8Array | undefined;
  /** Called where the kernel was asked to take the table and did not. */
  readonly sending?: () => void;
}

/** Applies all commands or none. */
export function* commitLegacy(context: RuleContext, work: TableCommands, o: LegacySettings): Verb<Applied> {
  yield* context.learn(rulesOfCommands(work.commands));
  return yield* commitEncoded(context, work, encode(context, work, o.counters === true), o);
}

/** As commitLegacy, of commands that are bytes already. */
export function* commitEncoded(context: RuleContext, work: TableCommands, encoded: Encoded, o: LegacySettings): Verb<Applied> {
  const { connection, family } = context;
  const { table } = work;
  const { words, bytes } = encoded.writer;
  const { expected = NOT_CHECKED } = o;
  const flags = familyBit(family) | (o.dryRun === true ? XT_DRY_RUN : 0);
  const what = o.dryRun === true ? 'check' : 'commit';
  let empty: EmptyOutcome | undefined;
  const reply = yield* whenFree(`${what} of table ${table}`, o.lockTimeoutMs, function* (): Verb<NativeXtCommitReply> {
    const looked = yield* attempt(connection, what, flags, table, words, bytes, expected);
    if (looked.missing !== true) return looked;
    // Made only for what can be done in it.
    empty ??= new EmptyTable(context, work).apply();
    return o.dryRun === true || !empty.makes ? looked : yield* attempt(connection, what, flags | XT_CREATE, table, words, bytes, expected);
  });
  if (reply.outdated === true) throw outdated(`${what} of table ${table} in ${connection.where}`);
  const applied = (idle: Iterable<number>): Applied => {
    const numbers = new Set(idle);
    return { changes: work.commands.length - numbers.size, idle: numbers };
  };
  if (reply.missing === true) return applied(empty?.idle ?? work.commands.keys());
  if (reply.refusal !== undefined) {
    const { index, reason, errno } = reply.refusal;
    throw refused(family, work, encoded.places[index] ?? 0, reason, errno);
  }
  if (reply.complaint !== undefined) throw unreadable(table, reply.complaint);
  if (reply.unwritable !== undefined) throw unwritable(table, reply.unwritable);
  if (reply.failure !== undefined) {
    if (reply.failure.call === 'iptc_commit') o.sending?.();
    throw failed(connection, family, work, reply.failure, reply.state ?? 'not-applied');
  }
  const { done = new Uint8Array() } = reply;
  return applied(encoded.places.filter((place, i) => place >= 0 && done[i] !== 1));
}

function attempt(
  connection: Connection,
  what: string,
  flags: number,
  table: string,
  words: Uint32Array,
  bytes: Uint8Array,
  expected: Uint8Array,
): Verb<NativeXtCommitReply> {
  return connection.on(
    'batch',
    what,
    (c) => c.xtCommitSync(flags, table, lockPath(), words, bytes, expected),
    (c) => c.xtCommit(flags, table, lockPath(), words, bytes, expected),
    (reply) => reply.busy !== true && reply.missing !== true && reply.outdated !== true,
  );
}

export interface Encoded {
  readonly writer: CommandWriter;
  /** By native command: the command it is of. */
  readonly places: readonly number[];
}

/** The commands as bytes. Throws where one can't be said, or names what isn't there; what their rules need was learnt before. */
export function encode(context: RuleContext, work: TableCommands, counters: boolean): Encoded {
  const bytes = context.bytes();
  const writer = new CommandWriter(bytes, work.commands.length + 1);
  const places: number[] = [];
  if (work.fresh) {
    writer.push('begin');
    places.push(-1);
  }
  for (const [i, c] of work.commands.entries()) {
    if (!push(writer, context, bytes, work, c, i, counters)) continue;
    places.push(i);
  }
  return { writer, places };
}

/** False where the command says nothing: `:INPUT -`. */
function push(
  w: CommandWriter,
  context: RuleContext,
  bytes: BytesContext,
  work: TableCommands,
  c: Command,
  index: number,
  counters: boolean,
): boolean {
  const { chain } = c;
  const reason = misplaced(work.table, c);
  if (reason !== undefined) throw commandError(context.family, work.table, index, c, reason, 'ERR_INVALID_ARG', 0);
  const rule = (spec: RuleSpec): { readonly rule: XtRule; readonly bareTarget: boolean } => ({
    rule: { ...context.xtRule(spec, bytes), ...(counters && c.leading !== undefined ? { counter: c.leading } : {}) },
    bareTarget: spec.target !== undefined && 'name' in spec.target && Object.keys(spec.target).length === 1,
  });
  try {
    switch (c.verb) {
      case 'append':
        w.push('append', { chain, ...rule(c.rule), conditional: c.unlessThere === true });
        return true;
      case 'insert':
        w.push('insert', { chain, ...rule(c.rule), number: c.number, conditional: c.unlessThere === true });
        return true;
      case 'replace':
        w.push('replace', { chain, ...rule(c.rule), number: c.number });
        return true;
      case 'delete':
        w.push('delete', { chain, ...rule(c.rule), conditional: c.ifThere === true });
        return true;
      case 'check':
        w.push('check', { chain, ...rule(c.rule) });
        return true;
      case 'deleteUserChains':
        w.push('deleteUserChains');
        return true;
      case 'deleteAt':
        w.push('deleteAt', { chain, number: c.number });
        return true;
      case 'newChain':
        w.push('newChain', { chain, conditional: c.unlessThere === true });
        return true;
      case 'deleteChain':
      case 'flushChain':
        w.push(c.verb, { chain });
        return true;
      case 'renameChain':
        w.push('renameChain', { chain, other: c.to });
        return true;
      case 'setPolicy':
        w.push('setPolicy', { chain, other: c.policy, ...counterOf((counters ? c.leading : undefined) ?? c.counter) });
        return true;
      case 'declareChain':
        if (builtinChain(work.table, c.chain) === undefined) w.push('declareChain', { chain });
        else if (c.policy === undefined) return false;
        // As with the real program, counters that are not restored are zero.
        else w.push('setPolicy', { chain, other: c.policy, counter: counters && c.counter !== undefined ? c.counter : NOTHING });
        return true;
      case 'zero':
        if (c.number === undefined) w.push('zero', { chain });
        else w.push('zeroAt', { chain, number: c.number });
        return true;
      default:
        return c satisfies never;
    }
  } catch (err) {
    // An ipset that isn't there, or what no revision or entry can say.
    if (err instanceof NetfilterError) throw commandError(context.family, work.table, index, c, err.message, err.code, -err.errno, err);
    throw err;
  }
}

function counterOf(counter: Counter | undefined): { readonly counter?: Counter } {
  return counter === undefined ? {} : { counter };
}

/** As a commit of nf_tables that is conditional on a generation. */
function outdated(what: string): NetfilterError {
  return new NetfilterError(`${what}: the table was changed by somebody since it was looked at; nothing was sent`, {
    code: 'ERESTART',
    errno: ERESTART,
  });
}

/** A table that can be read, but that others than iptables wrote. */
function unwritable(table: string, reason: string): NetfilterError {
  const text = `table ${table} was not written by iptables and cannot be changed without damage: ${reason}; nothing was sent`;
  return new NetfilterError(text, { code: 'EPROTO', errno: EPROTO });
}

/** A command that libiptc would not do: nothing was applied. */
function refused(family: string, work: TableCommands, index: number, reason: string, errno: number): NetfilterError {
  const c = work.commands[index];
  if (c === undefined)
    return new NetfilterError(`table ${work.table}: ${errnoText(errno)}; nothing was sent`, { code: errnoName(errno), errno });
  const { chain = '' } = c;
  const named = c.verb === 'deleteUserChains' ? 'a user chain' : `chain ${chain}`;
  const error = (text: string, number: number): NetfilterError =>
    commandError(family, work.table, index, c, text, errnoName(number), number);
  if (reason === 'chain') return error(noChain(work.table, chain), ENOENT);
  if (reason === 'rule') return error(NO_SUCH_RULE, ENOENT);
  if (reason === 'jump') return error(`no chain "${jumpOf(c)}"`, ENOENT);
  if (reason === 'builtin') return error(`${jumpOf(c)} is a builtin chain: no rule can jump there`, EINVAL);
  if (reason === 'clash')
    return error(`chain ${jumpOf(c)} has the name of a target: { jump } means the chain, which has no options`, EINVAL);
  if (errno === E2BIG) return error(`no rule number ${'number' in c ? c.number : ''} in chain ${chain}`, E2BIG);
  // What keeps a chain from being deleted has one code on both backends.
  if (errno === EEXIST) return error(`chain ${c.verb === 'renameChain' ? c.to : chain} is there already`, EEXIST);
  if (errno === ENOTEMPTY) return error(`${named} is not empty`, EBUSY);
  if (errno === EMLINK) return error(`rules jump to ${named}`, EBUSY);
  if (errno === EINVAL && c.verb === 'deleteChain') return error(builtinStays(work.table, chain), EINVAL);
  return error(errnoText(errno), errno);
}

/** The chain, or the target whose name may be one. */
function jumpOf(c: Command): string {
  if (!('rule' in c) || c.rule.target === undefined) return '';
  return 'name' in c.rule.target ? c.rule.target.name : (chainOfTarget(c.rule) ?? '');
}

/** What an errno of the commit means, as far as that can be known: the kernel says no more. */
const hints: Readonly<Record<number, string>> = {
  [ENOENT]: ': the kernel has no such match, target or revision, or not what one of them names',
  [EINVAL]: ': perhaps a rule is not for this table, chain or protocol',
  [ELOOP]: ': chains jump in a loop',
};

/** Codes of a commit's failure that are of no rule: memory, a table written meanwhile without the lock, what this process may do. */
const OF_NO_RULE: readonly string[] = ['ENOMEM', 'EAGAIN', 'EPERM', 'EACCES'];

/** Whether an error of a commit is the kernel's refusal of what the table would hold. */
export function refusesTable(err: NetfilterError): boolean {
  return err.tables !== undefined && err.outcome === 'not-applied' && !OF_NO_RULE.includes(err.code);
}

/** The lock, the read or the commit failed; after a commit the table was looked at again. */
function failed(
  connection: Connection,
  family: string,
  { table, commands }: TableCommands,
  failure: NativeFailure,
  state: NonNullable<NativeXtCommitReply['state']>,
): NetfilterError {
  if (failure.call !== 'iptc_commit') return legacyError(connection, `table ${table}`, failure);
  const now = {
    'not-applied': 'the table is as it was',
    applied: 'the rules are applied, but counters of rules and chains are lost: the kernel refused them',
    unknown: 'the table holds neither what it held before nor what was asked for: somebody else writes it without the lock',
    unseen: 'the rules asked for are those that were there, and whether counters were changed cannot be seen',
  }[state];
  const [only, ...more] = commands;
  const named = only !== undefined && more.length === 0 ? `${only.verb} in ` : '';
  const text = `${named}table ${table} in ${connection.where}: the kernel says ${errnoText(failure.errno)} (${errnoName(failure.errno)})${hints[failure.errno] ?? ''}; ${now}`;
  return new NetfilterError(text, {
    code: errnoName(failure.errno),
    errno: failure.errno,
    outcome: state === 'unseen' ? 'unknown' : state,
    tables: state === 'applied' ? [table] : [],
    ...(only === undefined || more.length > 0 ? {} : { operation: operationOf(family, table, 0, only) }),
  });
}
