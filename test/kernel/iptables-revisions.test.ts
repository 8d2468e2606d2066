// Which revision of an extension is written: the newest that the kernel and nflink both have, whichever of them is ahead.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { compatRevisions } from '../../lib/iptables/compat/revisions.ts';
import type { Codec } from '../../lib/iptables/extensions/codec.ts';
import { codecOf } from '../../lib/iptables/extensions/registry.ts';
import { legacyRevisions } from '../../lib/iptables/legacy/revisions.ts';
import { runAsync } from '../../lib/run.ts';
import { withNamespace } from '../support/namespace.ts';

const backends = { nft: compatRevisions, legacy: legacyRevisions };

/** As if nflink had these revisions of the extension, and no others. */
function having(codec: Codec | undefined, ...revisions: readonly { readonly revision: number; readonly family?: 'ip' | 'ip6' }[]): Codec {
  assert.ok(codec);
  return { ...codec, revisions: revisions as unknown as Codec['revisions'] };
}

for (const [backend, revisionsOf] of Object.entries(backends)) {
  describe(`the revision of an extension on ${backend}`, () => {
    it('is an older one where the kernel lacks ours', async () => {
      await withNamespace(async (ns) => {
        const connection = await runAsync(Connection.open({ pid: ns.pid }));
        try {
          const revisions = revisionsOf(connection, 'ip');
          const conntrack = codecOf('match', 'conntrack', 'ip');
          const newer = having(conntrack, { revision: 1 }, { revision: 3 }, { revision: 77 });
          const other = having(conntrack, { revision: 2 }, { revision: 3, family: 'ip6' });
          const dnat = having(codecOf('target', 'DNAT', 'ip'), { revision: 0, family: 'ip' }, { revision: 1, family: 'ip6' });
          await runAsync(revisions.learn([newer, other, dnat]));
          assert.deepEqual(
            [newer, other, dnat].map((codec) => revisions.newest(codec)),
            [3, 2, 0],
          );
          for (const none of [having(conntrack, { revision: 76 }, { revision: 77 }), { ...newer, name: 'nosuch' }]) {
            await assert.rejects(runAsync(revisions.learn([none])), {
              code: 'ENOENT',
              outcome: 'not-applied',
              message: /^the kernel has no match/,
            });
          }
        } finally {
          connection.closeSync();
        }
      });
    });
  });
}
