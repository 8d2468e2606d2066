// The process around a queue.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programOutput } from '../support/child.ts';
import { backends } from '../support/iptables-programs.ts';
import { withLockFile } from '../support/lock-file.ts';
import { withNamespace } from '../support/namespace.ts';

for (const backend of backends) {
  test(`on ${backend} a process lives until its calls are answered, and an unheard failure is the caller's`, async () => {
    await withLockFile(() =>
      withNamespace(async (ns) => {
        const lines = (await programOutput('queue-waits', [ns.path, backend])).trim().split('\n');
        assert.equal(lines[0], 'the end of the program');
        assert.deepEqual(lines.slice(1).sort(), ['applied', 'flushed', 'unhandled: ENOENT']);
      }),
    );
  });
}
