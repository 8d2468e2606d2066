// A snapshot is one generation of the kernel's state, whoever writes beside it, and shows what nft shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetfilterError, Nftables } from '../../lib/index.ts';
import { ruleSet } from '../support/fixtures.ts';
import { chainNamed, failureOf, NftFixture, ruleNamed, tableT } from '../support/nft.ts';

test('a snapshot beside a writer never mixes two generations', async () => {
  const PAIRS = 60;
  const COMMITS = 150;
  await using f = await NftFixture.withChains('c', 'd');
  const rewrite = async (nft: Nftables, n: number): Promise<void> => {
    const tx = nft.transaction();
    tx.flush(tableT);
    tx.destroy(chainNamed(`side${n - 1}`));
    tx.add(chainNamed(`side${n}`));
    for (let i = 0; i < PAIRS; i++) for (const chain of ['c', 'd']) tx.add(ruleNamed(`n${n}`, chain));
    await tx.commit({ handles: false });
  };
  await using writer = await Nftables.open({ netns: f.ns.path });
  await rewrite(writer, 0);
  let done = false;
  const writing = (async () => {
    for (let n = 1; n <= COMMITS; n++) await rewrite(writer, n);
    done = true;
  })();
  const seen = new Set<string>();
  let gaveUp = 0;
  for (let last = false; !last; ) {
    last = done;
    try {
      const snapshot = await f.nft.snapshot();
      const comments = [...snapshot.rules()].map((r) => r.comment);
      assert.equal(comments.length, 2 * PAIRS);
      const one = comments[0] as string;
      assert.ok(
        comments.every((c) => c === one),
        `rules of several commits: ${[...new Set(comments)]}`,
      );
      const chains = snapshot.table('ip', 't')?.chains.map((c) => c.name);
      assert.deepEqual(chains, ['c', 'd', `side${one.slice(1)}`], 'chains and rules of one commit');
      seen.add(one);
    } catch (err) {
      // The one honest other answer: no consistent picture within the bound.
      if (!(err instanceof NetfilterError) || err.code !== 'EINTR') throw err;
      gaveUp++;
    }
  }
  await writing;
  assert.ok(seen.has(`n${COMMITS}`), `the last commit was not seen; gave up ${gaveUp} times`);
});

test('a snapshot of one table holds that table only', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  tx.add(ruleNamed('mine'));
  for (const [family, name] of [
    ['ip6', 't'],
    ['ip', 'other'],
    ['inet', 't'],
  ] as const) {
    tx.add({ table: { family, name } });
    tx.add({ chain: { family, table: name, name: 'c' } });
    tx.add({ rule: { ...ruleNamed('not mine').rule, family, table: name } as never });
  }
  await tx.commit();
  assert.equal(f.nft.snapshotSync().tables.length, 4);
  const snapshot = await f.nft.snapshot({ table: { family: 'ip', name: 't' } });
  assert.deepEqual(
    snapshot.tables.map((t) => [t.family, t.name, t.chains.map((c) => c.name)]),
    [['ip', 't', ['c']]],
  );
  assert.deepEqual(
    [...snapshot.rules()].map((r) => r.comment),
    ['mine'],
  );
  const nothing = f.nft.snapshotSync({ table: { family: 'ip', name: 'nowhere' } });
  assert.deepEqual([nothing.tables.length, [...nothing.rules()].length], [0, 0]);
});

test('rules are found by place and by comment', async () => {
  await using f = await NftFixture.withChains('c', 'd');
  const tx = f.nft.transaction();
  for (const chain of ['c', 'd']) for (const comment of ['web', 'db', 'web']) tx.add(ruleNamed(comment, chain));
  tx.add({ rule: { family: 'ip', table: 't', chain: 'd', expressions: [] } });
  await tx.commit();
  const snapshot = await f.nft.snapshot();
  const found = (where: Parameters<typeof snapshot.rules>[0]): string[] =>
    [...snapshot.rules(where)].map((r) => `${r.chain}${r.index}${r.comment ?? ''}`);
  assert.deepEqual(found({ chain: 'd' }), ['d0web', 'd1db', 'd2web', 'd3']);
  assert.deepEqual(found({ comment: 'web' }), ['c0web', 'c2web', 'd0web', 'd2web']);
  assert.deepEqual(found({ comment: /^d/, chain: 'c' }), ['c1db']);
  // A regular expression with state finds the same each time.
  assert.deepEqual(found({ comment: /w/g }), ['c0web', 'c2web', 'd0web', 'd2web']);
  for (const where of [{ table: 'x' }, { family: 'ip6' }, { chain: 'x' }, { comment: 'x' }] as const) assert.deepEqual(found(where), []);
  const indexes = snapshot
    .table('ip', 't')
    ?.chain('d')
    ?.rules.map((r) => r.index);
  assert.deepEqual(indexes, [0, 1, 2, 3]);
});

test('a snapshot is plain JSON when asked for', async () => {
  await using f = await NftFixture.create();
  f.must('iptables-nft-restore', [], { input: ruleSet('k8s-cilium') });
  f.must('nft', ['-f', '-'], {
    input:
      'table inet x { set s { type ipv4_addr . inet_service; flags interval; }\n counter n { }\n chain c { counter packets 18446744073709551615 bytes 1 comment "big"; }\n }',
  });
  const snapshot = await f.nft.snapshot();
  const json = JSON.parse(JSON.stringify(snapshot)) as {
    generation: number;
    tables: { name: string; handle: number; chains: { name: string; rules: Record<string, unknown>[] }[] }[];
  };
  assert.equal(json.generation, snapshot.generation);
  assert.deepEqual(
    json.tables.map((t) => t.name),
    snapshot.tables.map((t) => t.name),
  );
  const rules = json.tables.flatMap((t) => t.chains.flatMap((c) => c.rules));
  assert.equal(rules.length, [...snapshot.rules()].length);
  assert.ok(rules.length > 100);
  for (const r of rules) assert.equal(typeof r['handle'], 'number');
  const big = rules.find((r) => r['comment'] === 'big');
  assert.deepEqual(big?.['counter'], { packets: '18446744073709551615', bytes: 1 });
  const match = rules.flatMap((r) => r['expressions'] as { type: string; info?: unknown }[]).find((e) => e.type === 'match');
  assert.match(match?.info as string, /^[A-Za-z0-9+/]+=*$/);
  assert.deepEqual(snapshot.toJSON(), json);
});

test('sets and named objects are listed with their types', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], {
    input:
      'table inet x { set s { type ipv4_addr . inet_service; flags interval; timeout 90s; }\n map m { type mark : verdict; }\n counter n { }\n quota q { 10 mbytes; }\n }',
  });
  const table = (await f.nft.snapshot()).table('inet', 'x');
  assert.deepEqual(
    table?.sets.map((s) => [s.name, s.type, s.map, s.flags, s.timeout]),
    [
      ['s', ['ipv4_addr', 'inet_service'], undefined, ['interval', 'timeout'], 90],
      ['m', 'mark', 'verdict', undefined, undefined],
    ],
  );
  assert.deepEqual(
    table?.objects.map((o) => [o.kind, o.name]),
    [
      ['counter', 'n'],
      ['quota', 'q'],
    ],
  );
});

test('counters are the numbers of nft, row by row, for all, a table or a chain', async () => {
  await using f = await NftFixture.withChains('c', 'd');
  f.must('nft', ['-f', '-'], {
    input:
      'add rule ip t c counter packets 1 bytes 2 comment "one"\nadd rule ip t c accept\nadd rule ip t d counter packets 18446744073709551615 bytes 4 comment "two"\ntable ip6 o { chain c { counter packets 9 bytes 9; }\n }',
  });
  const all = await f.nft.counters();
  assert.deepEqual([...all.packets], [1n, 0n, 18446744073709551615n, 9n]);
  assert.deepEqual([...all.bytes], [2n, 0n, 4n, 9n]);
  assert.deepEqual([...all.chain], [0, 0, 1, 2]);
  assert.equal(all.indexOf({ comment: 'two' }), 2);
  assert.equal(all.indexOf({ comment: 'three' }), -1);
  assert.deepEqual([all.row(2).chain, all.row(2).comment, all.row(1).counter], ['d', 'two', undefined]);
  assert.throws(() => all.row(4), RangeError);
  assert.deepEqual([...f.nft.countersSync({ table: { family: 'ip', name: 't' } }).packets], [1n, 0n, 18446744073709551615n]);
  const one = f.nft.countersSync({ table: { family: 'ip', name: 't' }, chain: 'd' });
  assert.deepEqual([...one.packets], [18446744073709551615n]);
  assert.equal(f.nft.countersSync({ table: { family: 'ip', name: 'nowhere' } }).length, 0);
  assert.equal((await failureOf(() => f.nft.counters({ chain: 'c' }))).code, 'ERR_INVALID_ARG');
});
