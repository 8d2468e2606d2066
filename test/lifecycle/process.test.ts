// The life of the process around nflink: exit at any moment, workers ended at work, connections forgotten, many descriptors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noLeakCheck, programOutput, runProgram } from '../support/child.ts';
import { TestNamespace, withNamespace } from '../support/namespace.ts';
import { NftFixture, ruleNamed } from '../support/nft.ts';

for (const what of ['commit', 'dump']) {
  test(`30 workers terminated amid a ${what}: the process lives, and no commit is half there`, async () => {
    await withNamespace(async (ns) => {
      assert.equal(await programOutput('terminated-workers', [ns.path, what]), 'terminated 30 workers\n');
    });
  });
}

for (const what of ['commit', 'dump', 'open']) {
  test(`process.exit amid ${what}: the exit code is the program's own, and nothing is half there`, async () => {
    await using f = await NftFixture.withChains('c');
    const tx = f.nft.transaction();
    for (let i = 0; i < 30_000; i++) tx.add(ruleNamed('x'));
    await tx.commit();
    for (const turns of [0, 1, 2, 5, 20, 100]) {
      const result = await runProgram('exit-at-work', [f.ns.path, what, String(turns)], { env: noLeakCheck });
      assert.deepEqual([result.code, result.stderr], [7, ''], `after ${turns} turns: ${result.signal}`);
      const rules = f.nft.countersSync({ table: { family: 'ip', name: 't' }, chain: 'e' }).length;
      assert.equal(rules % 20_000, 0, `${rules} rules`);
    }
  });
}

test('forgotten connections are closed when collected, and the process ends with one open', async () => {
  await using f = await NftFixture.create();
  const stdout = await programOutput('forgotten', [f.ns.path], { nodeFlags: ['--expose-gc'] });
  assert.equal(stdout, 'the end of the program\n');
  assert.ok(f.nft.snapshotSync().table('ip', 'late') !== undefined, 'the commit that nobody waited for');
});

test('with 1,100 descriptors open everything works', async () => {
  await withNamespace(async (ns) => {
    const stdout = await programOutput('many-descriptors', [ns.path]);
    assert.deepEqual(JSON.parse(stdout), { rules: 2000, counted: 2000, saved: true, socketsLeft: 0 });
  });
});

test('worker threads side by side, each in its own namespace', async () => {
  const namespaces = await Promise.all(Array.from({ length: 4 }, () => TestNamespace.create()));
  try {
    const stdout = await programOutput(
      'workers',
      namespaces.map((ns) => ns.path),
    );
    const expected = namespaces.map((_, n) => Array.from({ length: 20 }, (_, i) => `n${n}-${i}`));
    assert.deepEqual(JSON.parse(stdout), expected);
  } finally {
    await Promise.all(namespaces.map((ns) => ns.close()));
  }
});
