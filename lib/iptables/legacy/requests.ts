// Asking for a legacy table, and what a failed request means.
import type { Connection } from '../../connection.ts';
import { EACCES, EPERM } from '../../errno.ts';
import { fromFailure, NEED_CAP_NET_ADMIN, type Outcome } from '../../errors.ts';
import { type NativeFailure, type NativeXtReadReply, XT_IP6 } from '../../native.ts';
import type { Verb } from '../../run.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { LegacyTable } from './table.ts';

export function familyBit(family: IpFamily): number {
  return family === 'ip' ? 0 : XT_IP6;
}

/** Throws what a reply's failure means. */
export function checkLegacy(
  connection: Connection,
  what: string,
  failure: NativeFailure | undefined,
  outcome: Outcome = 'not-applied',
): void {
  if (failure === undefined) return;
  const hint = hintOf(failure);
  if (hint === undefined && outcome === 'not-applied') connection.check(what, failure);
  throw fromFailure(`${what} in ${connection.where}`, failure, outcome, hint);
}

function hintOf({ call, errno }: NativeFailure): string | undefined {
  if (call === 'open(lock file)' || call === 'flock') return `the lock file of iptables, ${lockPath()}; XTABLES_LOCKFILE names another`;
  if (call === 'socket(SOCK_RAW)' && (errno === EPERM || errno === EACCES))
    return 'CAP_NET_RAW is needed in the user namespace that owns the network namespace: legacy tables are reached through a raw socket';
  return errno === EPERM || errno === EACCES ? NEED_CAP_NET_ADMIN : undefined;
}

/** The lock file that iptables-legacy takes (xshared.c xtables_lock). */
export function lockPath(): string {
  const own = process.env['XTABLES_LOCKFILE'];
  return own === undefined || own === '' ? '/run/xtables.lock' : own;
}

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
const nothing = new Uint8Array(0);

/** The table in one piece; undefined where the namespace has none. Never makes one. */
export function* readTable(connection: Connection, family: IpFamily, table: string): Verb<LegacyTable | undefined> {
  const reply: NativeXtReadReply = yield* connection.on(
    'dump',
    `table ${table}`,
    (c) => c.xtReadSync(familyBit(family), table, '', nothing),
    (c) => c.xtRead(familyBit(family), table, '', nothing),
  );
  checkLegacy(connection, `table ${table}`, reply.failure);
  return reply.missing === true ? undefined : new LegacyTable(family, table, reply);
}
