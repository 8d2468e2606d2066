// Revisions of extensions as xtables tells them (IPT_SO_GET_REVISION_MATCH and _TARGET).
import type { Connection } from '../../connection.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { Revisions } from '../revisions.ts';
import { checkLegacy, familyBit } from './requests.ts';

export function legacyRevisions(connection: Connection, family: IpFamily): Revisions {
  return new Revisions(family, function* (codec, revision) {
    const name = codec.kernelName ?? codec.name;
    const target = codec.kind === 'target' ? 1 : 0;
    const reply = yield* connection.on(
      'dump',
      'revision',
      (c) => c.xtRevisionSync(familyBit(family), target, name, revision),
      (c) => c.xtRevision(familyBit(family), target, name, revision),
    );
    checkLegacy(connection, `${codec.kind} ${codec.name}`, reply.failure);
    return reply.found === true;
  });
}
