// Chains in a transaction: every hook of every family, priorities by name, devices, policies, inline chains.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expressions, type Family, type ObjectInput } from '../../lib/index.ts';
import { chainNamed, failureOf, NftFixture, ruleNamed, tableT } from '../support/nft.ts';

const { counter, accept } = expressions;
type Words = Readonly<Record<string, unknown>>;
const listedChains = (f: NftFixture): Words[] =>
  (JSON.parse(f.must('nft', ['-j', 'list', 'ruleset'])) as { nftables: Words[] }).nftables.flatMap((o) =>
    o['chain'] === undefined ? [] : [o['chain'] as Words],
  );
function add(f: NftFixture, ...objects: readonly ObjectInput[]): void {
  const tx = f.nft.transaction();
  for (const o of objects) tx.add(o);
  tx.commitSync();
}

const ip = ['prerouting', 'input', 'forward', 'output', 'postrouting'];
const hooks: Readonly<Record<Family, readonly string[]>> = {
  ip, ip6: ip, inet: [...ip, 'ingress'], bridge: ip, arp: ['input', 'output'], netdev: ['ingress', 'egress'],
}; // biome-ignore format: one table
const needsDevice = (hook: string): boolean => hook === 'ingress' || hook === 'egress';

test('every hook of every family', async () => {
  await using f = await NftFixture.create();
  for (const family of Object.keys(hooks) as Family[]) {
    add(f, { table: { family, name: 't' } });
    for (const hook of hooks[family]) {
      const dev = needsDevice(hook) ? { dev: 'lo' } : {};
      add(f, { chain: { family, table: 't', name: hook, type: 'filter', hook, prio: 7, policy: 'accept', ...dev } });
      const listed = listedChains(f).find((c) => c['family'] === family && c['name'] === hook) ?? {};
      assert.deepEqual(
        [listed['hook'], listed['prio'], listed['type'], listed['policy']],
        [hook, 7, 'filter', 'accept'],
        `${family} ${hook}`,
      );
      // nft 1.0.6 shows devices in its text only.
      const shown = f.must('nft', ['list', 'chain', family, 't', hook]);
      assert.equal(shown.includes('device "lo"'), needsDevice(hook), `${family} ${hook}`);
      const read = f.nft.snapshotSync().table(family, 't')?.chain(hook);
      assert.deepEqual([read?.hook, read?.prio, read?.dev], [hook, 7, needsDevice(hook) ? ['lo'] : undefined], `${family} ${hook}`);
    }
  }
});

test('a hook that the family does not have', async () => {
  await using f = await NftFixture.create();
  add(f, { table: { family: 'arp', name: 't' } });
  for (const family of ['ip', 'ip6', 'bridge', 'arp'] as const) {
    const err = await failureOf(() => add(f, { chain: { family, table: 't', name: 'c', hook: 'ingress' } }));
    assert.deepEqual([err.code, err.operation?.path], ['ERR_INVALID_ARG', 'hook']);
  }
  // The kernel numbers it, and has no chains there.
  assert.equal((await failureOf(() => add(f, { chain: { family: 'arp', table: 't', name: 'c', hook: 'forward' } }))).code, 'EOPNOTSUPP');
});

test('priorities by name, with offsets, as numbers', async () => {
  await using f = await NftFixture.create();
  const cases: readonly (readonly [Family, string, number | string, number])[] = [
    ['ip', 'prerouting', 'raw', -300],
    ['ip', 'prerouting', 'mangle', -150],
    ['ip', 'prerouting', 'dstnat', -100],
    ['ip6', 'input', 'filter', 0],
    ['inet', 'input', 'security', 50],
    ['inet', 'postrouting', 'srcnat', 100],
    ['ip', 'input', 'filter + 10', 10],
    ['ip', 'input', 'filter+10', 10],
    ['ip', 'input', 'security - 60', -10],
    ['ip', 'input', '-5', -5],
    ['ip', 'input', -2147483648, -2147483648],
    ['ip', 'input', 2147483647, 2147483647],
    ['bridge', 'prerouting', 'dstnat', -300],
    ['bridge', 'input', 'filter', -200],
    ['bridge', 'output', 'out', 100],
    ['bridge', 'postrouting', 'srcnat', 300],
    ['arp', 'input', 'filter', 0],
  ];
  for (const [i, [family, hook, prio, number]] of cases.entries()) {
    add(f, { table: { family, name: 't' } }, { chain: { family, table: 't', name: `c${i}`, hook, prio } });
    assert.equal(listedChains(f).find((c) => c['name'] === `c${i}`)?.['prio'], number, `${family} ${prio}`);
  }
  for (const prio of ['nonsense', 'out', 'constructor', 'filter +', '1.5', 1.5, 2147483648]) {
    const err = await failureOf(() => add(f, { chain: { family: 'ip', table: 't', name: 'x', hook: 'input', prio } }));
    assert.equal(err.code, 'ERR_INVALID_ARG', String(prio));
  }
});

test('devices: one, several, prefixes, more and fewer of them', async () => {
  await using f = await NftFixture.create();
  f.must('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']);
  const chain = { family: 'netdev', table: 't', name: 'c', hook: 'ingress' } as const;
  const dev = (name = 'c'): readonly string[] => [...(f.nft.snapshotSync().table('netdev', 't')?.chain(name)?.dev ?? [])].sort();
  add(f, { table: { family: 'netdev', name: 't' } }, { chain: { ...chain, dev: ['lo', 'v0'] } });
  assert.ok(f.listing().includes('devices = { lo, v0 }'));
  add(f, { chain: { ...chain, dev: 'v1' } });
  assert.deepEqual(dev(), ['lo', 'v0', 'v1']);
  const tx = f.nft.transaction();
  tx.delete({ chain: { family: 'netdev', table: 't', name: 'c', dev: ['v0', 'v1'] } });
  tx.commitSync();
  assert.deepEqual(dev(), ['lo']);
  assert.ok(f.listing().includes('device "lo"'));
  // nft 1.0.6 leaves such a chain out of its listing.
  add(f, { chain: { ...chain, name: 'p', dev: 'v*' } }, { chain: { ...chain, name: 'q', dev: ['lo', 'v*', 'x\\*'] } });
  assert.deepEqual([dev('p'), dev('q')], [['v*'], ['lo', 'v*', 'x\\*']]);
  // Without devices: a chain that waits for some.
  add(f, { chain: { ...chain, name: 'none' } });
  assert.deepEqual(dev('none'), []);
  add(f, { table: { family: 'inet', name: 't' } }, { chain: { ...chain, family: 'inet', dev: ['lo', 'v0'] } });
  assert.deepEqual(f.nft.snapshotSync().table('inet', 't')?.chain('c')?.dev, ['lo', 'v0']);
  // An interface that isn't there yet is no error to this kernel; one too long a name is ours.
  const err = await failureOf(() => add(f, { chain: { ...chain, name: 'x', dev: ['lo', 'x'.repeat(16)] } }));
  assert.deepEqual([err.code, err.operation?.path], ['ERR_INVALID_ARG', 'dev[1]']);
});

test('the policy of a chain that is there', async () => {
  await using f = await NftFixture.create();
  add(
    f,
    tableT,
    { chain: { family: 'ip', table: 't', name: 'c', hook: 'input', policy: 'accept', comment: 'kept' } },
    chainNamed('plain'),
    ruleNamed('r'),
  );
  add(f, { chain: { family: 'ip', table: 't', name: 'c', policy: 'drop' } });
  const chain = f.nft.snapshotSync().table('ip', 't')?.chain('c');
  assert.deepEqual([chain?.policy, chain?.comment, chain?.rules.length], ['drop', 'kept', 1]);
  assert.equal(listedChains(f)[0]?.['policy'], 'drop');
  const err = await failureOf(() => add(f, { chain: { family: 'ip', table: 't', name: 'plain', policy: 'drop' } }));
  assert.deepEqual([err.code, err.operation?.path], ['EOPNOTSUPP', 'policy']);
});

test('what a base chain begins to count from, its comment and userdata', async () => {
  await using f = await NftFixture.create();
  const userdata = Uint8Array.of(9, 2, 1, 2);
  add(f, tableT, {
    chain: { family: 'ip', table: 't', name: 'c', hook: 'input', counter: { packets: 5n, bytes: 6n }, comment: 'mine', userdata },
  });
  const chain = f.nft.snapshotSync().table('ip', 't')?.chain('c');
  assert.deepEqual([chain?.counter, chain?.comment], [{ packets: 5n, bytes: 6n }, 'mine']);
  assert.ok(f.listing().includes('comment "mine"'));
});

test('a chain made inline, for the one rule that jumps to it', async () => {
  await using f = await NftFixture.create();
  add(f, tableT, chainNamed('c'));
  const jump = { type: 'immediate', dreg: 0, data: { verdict: 'jump', chainId: 7 } } as const;
  const tx = f.nft.transaction();
  const inline = tx.add({ chain: { family: 'ip', table: 't', id: 7, flags: 'binding' } });
  tx.add({ rule: { family: 'ip', table: 't', chainId: 7, expressions: [counter(), accept()] } });
  const op = tx.add({ rule: { family: 'ip', table: 't', chain: 'c', expressions: [jump] } });
  const result = tx.commitSync();
  const listing = f.must('nft', ['list', 'chain', 'ip', 't', 'c']);
  assert.match(listing, /jump \{\s+counter packets 0 bytes 0 accept\s+\}/);
  const made = f.nft
    .snapshotSync()
    .table('ip', 't')
    ?.chains.find((c) => c.handle === result.handle(inline));
  assert.match(made?.name ?? '', /^__chain\d+$/);

  // It goes with its rule.
  const gone = f.nft.transaction();
  gone.delete({ rule: { family: 'ip', table: 't', chain: 'c', handle: result.handle(op) as bigint } });
  gone.commitSync();
  assert.deepEqual(
    f.nft
      .snapshotSync()
      .table('ip', 't')
      ?.chains.map((c) => c.name),
    ['c'],
  );

  // Nobody jumps to it: refused. A name or an id is needed.
  const lonely = f.nft.transaction();
  lonely.add({ chain: { family: 'ip', table: 't', id: 7, flags: ['binding'] } });
  assert.equal((await failureOf(() => lonely.commit())).code, 'EINVAL');
  assert.equal((await failureOf(() => add(f, { chain: { family: 'ip', table: 't' } }))).operation?.path, 'name');
  assert.equal(
    (await failureOf(() => f.nft.transaction().delete({ rule: { family: 'ip', table: 't', chainId: 7, handle: 1 } }))).operation?.path,
    'chainId',
  );
});
