// Asking for a legacy table, and what a failed request means.
import type { Connection } from '../../connection.ts';
import { EACCES, EPERM } from '../../errno.ts';
import { NEED_CAP_NET_ADMIN, type NetfilterError } from '../../errors.ts';
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
  return connection.error(what, failure, hintOf(failure));
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

/** The table in one piece; undefined where the namespace has none. Never makes one. */
export function* readTable(connection: Connection, family: IpFamily, table: string): Verb<LegacyTable | undefined> {
  const reply: NativeXtReadReply = yield* connection.on(
    'dump',
    `table ${table}`,
    (c) => c.xtReadSync(familyBit(family), table, ''),
    (c) => c.xtRead(familyBit(family), table, ''),
  );
  checkLegacy(connection, `table ${table}`, reply.failure);
  return reply.missing === true ? undefined : new LegacyTable(family, table, reply);
}
