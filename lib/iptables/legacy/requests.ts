// Asking for a legacy table, and what a failed request means.
import type { Connection } from '../../connection.ts';
import { EACCES, EPERM } from '../../errno.ts';
import { fromFailure, NEED_CAP_NET_RAW, NetfilterError } from '../../errors.ts';
import { type NativeFailure, type NativeXtReadReply, XT_IP6 } from '../../native.ts';
import type { Verb } from '../../run.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { LegacyTable } from './table.ts';

export function familyBit(family: IpFamily): number {
  return family === 'ip' ? 0 : XT_IP6;
}

/** Throws what a reply's failure means. */
export function checkLegacy(connection: Connection, what: string, failure: NativeFailure | undefined): void {
  if (failure !== undefined) throw legacyError(connection, what, failure);
}

/** What a failure before the commit means: nothing was applied. */
export function legacyError(connection: Connection, what: string, failure: NativeFailure): NetfilterError {
  const { call, errno } = failure;
  if (call !== 'open(lock file)' && call !== 'flock') return connection.error(what, failure, hintOf(failure));
  const hint = `the lock file of iptables, ${lockPath()}; XTABLES_LOCKFILE names another`;
  const { message } = fromFailure(`${what} in ${connection.where}`, failure, 'not-applied', hint);
  // A code of its own: ENOENT would say that a rule or chain isn't there.
  return new NetfilterError(message, { code: 'ERR_XTABLES_LOCK', errno });
}

/** What lacks, by the call that was refused; undefined: what lacks for any other. */
function hintOf({ call, errno }: NativeFailure): string | undefined {
  if (errno !== EPERM && errno !== EACCES) return undefined;
  if (call === 'socket(SOCK_RAW)') return `${NEED_CAP_NET_RAW}: legacy tables are reached through a raw socket`;
  if (call === 'open(ip_tables_names)')
    return "/proc/net/ip_tables_names and ip6_tables_names, the kernel's lists of its legacy tables, are readable for root, CAP_DAC_READ_SEARCH and CAP_DAC_OVERRIDE only";
  return undefined;
}

/** The lock file that iptables-legacy takes (xshared.c xtables_lock). */
export function lockPath(): string {
  const own = process.env['XTABLES_LOCKFILE'];
  return own === undefined || own === '' ? '/run/xtables.lock' : own;
}

const nothing = new Uint8Array(0);

/** Throws where a capability lacks, which reading does not tell as long as there are no tables. */
export function* checkPermitted(connection: Connection): Verb<void> {
  // The one target that every kernel with tables has in itself: no table is made and no module loaded.
  const { failure } = yield* connection.on(
    'dump',
    'legacy tables',
    (c) => c.xtRevisionSync(familyBit('ip'), 1, 'ERROR', 0),
    (c) => c.xtRevision(familyBit('ip'), 1, 'ERROR', 0),
  );
  if (failure?.errno === EPERM || failure?.errno === EACCES) checkLegacy(connection, 'legacy tables', failure);
}

/** Those of `names` that the namespace has, in the order of the kernel's list, which is that of iptables-legacy-save. */
export function* existingTables(connection: Connection, family: IpFamily, names: readonly string[]): Verb<readonly string[]> {
  const reply = yield* connection.on(
    'dump',
    'legacy tables',
    (c) => c.xtTablesSync(familyBit(family)),
    (c) => c.xtTables(familyBit(family)),
  );
  checkLegacy(connection, 'legacy tables', reply.failure);
  const wanted = new Set(names);
  return (reply.tables ?? []).filter((name) => wanted.has(name));
}

export interface TableRequest {
  /** Held meanwhile, if it can be had. */
  readonly lock?: string;
  /** The digest of one read before, whose bytes need not come again. */
  readonly known?: Uint8Array | undefined;
}

/** One table as the addon walked it. Never makes one. */
export function* requestTable(connection: Connection, family: IpFamily, table: string, o: TableRequest = {}): Verb<NativeXtReadReply> {
  const { lock = '', known = nothing } = o;
  const reply: NativeXtReadReply = yield* connection.on(
    'dump',
    `table ${table}`,
    (c) => c.xtReadSync(familyBit(family), table, lock, known),
    (c) => c.xtRead(familyBit(family), table, lock, known),
  );
  checkLegacy(connection, `table ${table}`, reply.failure);
  return reply;
}

/** The table in one piece; undefined where the namespace has none. */
export function* readTable(connection: Connection, family: IpFamily, table: string): Verb<LegacyTable | undefined> {
  const reply = yield* requestTable(connection, family, table);
  return reply.missing === true ? undefined : new LegacyTable(family, table, reply);
}
