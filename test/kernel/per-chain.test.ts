// A large ruleset is dumped chain by chain where that is cheaper; what is read is the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { expressions as e } from '../../lib/index.ts';
import { perChainPays } from '../../lib/nftables/read.ts';
import { NftFixture } from '../support/nft.ts';

const CHAINS = 4;
const RULES = 800;

function ruleset(): string {
  const chains = Array.from({ length: CHAINS }, (_, c) => {
    const rules = Array.from({ length: RULES }, (_, i) => `\t\tcounter packets ${c * RULES + i} bytes ${i} comment "${c} ${i}"`);
    return `\tchain c${c} {\n${rules.join('\n')}\n\t}`;
  });
  return `table ip t {\n${chains.join('\n')}\n}\n`;
}

test('the choice follows the measured crossover', () => {
  assert.equal(perChainPays(10_000, 3_501), false);
  assert.equal(perChainPays(100_000, 34_899), true);
  assert.equal(perChainPays(CHAINS * RULES, CHAINS), true);
  assert.equal(perChainPays(0, 0), false);
});

test('a snapshot and repeated counters of a ruleset beyond it are what nft lists', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: ruleset() });
  const wanted = Array.from({ length: CHAINS * RULES }, (_, i) => `${Math.floor(i / RULES)} ${i % RULES}`);
  const snapshot = await f.nft.snapshot();
  assert.deepEqual(
    [...snapshot.rules()].map((r) => r.comment),
    wanted,
  );
  for (let poll = 0; poll < 3; poll++) {
    const counters = await f.nft.counters();
    assert.deepEqual(
      Array.from(counters.packets, (n) => Number(n)),
      wanted.map((_, i) => i),
    );
    assert.equal(counters.generation, snapshot.generation);
    assert.equal(counters.row(RULES + 5).comment, '1 5');
    assert.equal(counters.indexOf({ chain: 'c3', comment: '3 7' }), 3 * RULES + 7);
  }
  // A chain that came since is seen: what was remembered is of another generation.
  f.must('nft', ['-f', '-'], { input: 'table ip t { chain late { counter packets 77 bytes 1; }; }\n' });
  const later = await f.nft.counters();
  assert.equal(later.length, CHAINS * RULES + 1);
  assert.equal(later.packets[later.indexOf({ chain: 'late' })], 77n);
});

test('a table without rules beside it is looked at with three small requests a poll', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: `${ruleset()}table ip empty { chain c { }; }\n` });
  const table = { family: 'ip', name: 'empty' } as const;
  const first = await f.nft.counters({ table });
  assert.deepEqual([first.length, first.generation], [0, (await f.nft.snapshot()).generation]);
  const calls: string[] = [];
  const { prototype } = Connection;
  const on = prototype.on;
  prototype.on = function (this: Connection, ...args: Parameters<typeof on>) {
    calls.push(args[1]);
    return on.apply(this, args);
  } as typeof on;
  try {
    assert.equal((await f.nft.counters({ table })).length, 0);
  } finally {
    prototype.on = on;
  }
  assert.deepEqual(calls, ['generation', 'dump of rules', 'generation']);
  f.must('nft', ['add rule ip empty c counter']);
  assert.equal((await f.nft.counters({ table })).length, 1);
});

test('a table made anew while it is read is no longer the one that was', async () => {
  await using f = await NftFixture.create();
  const table = (packets: number): string => `table ip t { chain c { counter packets ${packets} bytes 0; }; }\n`;
  f.must('nft', ['-f', '-'], { input: table(5) });
  const watch = f.nft.watchCounters({ intervalMs: 5, table: { family: 'ip', name: 't' } });
  const { prototype } = Connection;
  const on = prototype.on;
  let remade = false;
  // Behind the first dump of rules, before what else the poll asks.
  prototype.on = function* (this: Connection, ...args: Parameters<typeof on>) {
    const reply = yield* on.apply(this, args);
    if (args[1] === 'dump of rules' && !remade) {
      remade = true;
      f.must('nft', ['-f', '-'], { input: `delete table ip t\n${table(9)}` });
    }
    return reply;
  } as typeof on;
  try {
    assert.equal((await watch.next()).value?.snapshot?.packets[0], 5n);
    const { value } = await watch.next();
    assert.deepEqual(
      [...(value?.deltas ?? [])].map((d) => [d.packets, d.note]),
      [[4n, 'lower-bound']],
    );
  } finally {
    prototype.on = on;
    await watch.close();
  }
});

test('counters labelled with a generation have its rules, also beside a commit', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: ruleset() });
  await f.nft.counters();
  for (let i = 0; i < 40; i++) {
    const tx = f.nft.transaction();
    tx.add({ chain: { family: 'ip', table: 't', name: `n${i}` } });
    tx.add({ rule: { family: 'ip', table: 't', chain: `n${i}`, comment: `new ${i}`, expressions: [e.counter()] } });
    const [counters, made] = await Promise.all([f.nft.counters(), tx.commit()]);
    const has = counters.indexOf({ comment: `new ${i}` }) >= 0;
    if (counters.generation !== undefined && made.generation !== undefined) assert.equal(has, counters.generation >= made.generation);
    // A steady poll in between, so that the chains are remembered again.
    await f.nft.counters();
  }
});

test('an operation that waits for its set has no handle of another', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: 'table ip t { set s { type ipv4_addr; }; chain c { }; }\n' });
  const tx = f.nft.transaction();
  const element = tx.add({ element: { family: 'ip', table: 't', name: 's', elem: ['1.2.3.4'] } });
  const rule = tx.add({ rule: { family: 'ip', table: 't', chain: 'c', comment: 'r', expressions: [e.counter()] } });
  const result = await tx.commit();
  assert.equal(result.handle(element), undefined);
  assert.equal(result.handle(rule), [...(await f.nft.snapshot()).rules({ comment: 'r' })][0]?.handle);
});
