// Revisions of extensions as xtables tells them (IPT_SO_GET_REVISION_MATCH and _TARGET).
import type { Connection } from '../../connection.ts';
import { ENOENT } from '../../errno.ts';
import { fromFailure } from '../../errors.ts';
import type { Verb } from '../../run.ts';
import type { Codec, IpFamily } from '../extensions/codec.ts';
import { Revisions } from '../revisions.ts';
import { checkLegacy, familyBit } from './requests.ts';

export function legacyRevisions(connection: Connection, family: IpFamily): Revisions {
  return new Revisions((codec) => newestRevision(connection, family, codec));
}

/** The newest of ours that the kernel has. */
function* newestRevision(connection: Connection, family: IpFamily, codec: Codec): Verb<number> {
  const name = codec.kernelName ?? codec.name;
  const target = codec.kind === 'target' ? 1 : 0;
  const ours = new Set(codec.revisions.filter((r) => (r.family ?? family) === family).map((r) => r.revision));
  for (const revision of [...ours].sort((a, b) => b - a)) {
    const reply = yield* connection.on(
      'dump',
      'revision',
      (c) => c.xtRevisionSync(familyBit(family), target, name, revision),
      (c) => c.xtRevision(familyBit(family), target, name, revision),
    );
    checkLegacy(connection, `${codec.kind} ${codec.name}`, reply.failure);
    if (reply.found === true) return revision;
  }
  const hint = 'the kernel has no such extension, or no revision of it that nflink has';
  throw fromFailure(`${codec.kind} ${name}`, { call: 'getsockopt(GET_REVISION)', errno: ENOENT }, 'not-applied', hint);
}
