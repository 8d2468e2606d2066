// restore beyond the corpus: what only a running ruleset has, what is there already, JSON that is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { NetfilterError } from '../../lib/index.ts';
import { withNamespace } from '../support/namespace.ts';
import { NftFixture } from '../support/nft.ts';

async function copied(f: NftFixture, o: { counters?: boolean } = {}): Promise<void> {
  const json: unknown = JSON.parse(JSON.stringify(await f.nft.snapshot()));
  for (const source of [await f.nft.snapshot(), json]) await f.nft.restore(source, { existing: 'replace', ...o });
}

const listed = (f: NftFixture): string => f.must('nft', ['list', 'ruleset']).replace(/expires \w+/g, 'expires some');

test('a set of ranges of which one has just expired', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], {
    input:
      'table ip x { set s { type ipv4_addr; flags interval,timeout; elements = { 10.0.0.0-10.0.0.9 timeout 50ms, 10.0.0.20-10.0.0.29 timeout 10m }; }; }\n',
  });
  await wait(200);
  await copied(f);
  assert.match(listed(f), /elements = \{ 10\.0\.0\.20-10\.0\.0\.29 timeout 10m expires some \}/);
});

test('quotas that are used up, as object, in a rule and in an element', async () => {
  await using f = await NftFixture.create();
  f.must('ip', ['link', 'set', 'lo', 'up']);
  f.must('nft', ['-f', '-'], {
    input:
      'table ip x { quota q { over 10 bytes; }; set s { type ipv4_addr; flags dynamic; size 10; quota over 5 bytes; };\n chain c { type filter hook output priority 0; quota name "q"; quota over 7 bytes; add @s { ip daddr }; accept; }; }\n',
  });
  f.must('bash', ['-c', 'for i in 1 2 3; do echo hello >/dev/udp/127.0.0.1/9 || true; done']);
  const before = listed(f);
  assert.match(before, /used \d+ bytes/, 'the traffic was counted');
  await copied(f, { counters: true });
  assert.equal(listed(f), before);
  await copied(f);
  assert.doesNotMatch(listed(f), /used [1-9]/);
});

test('elements that are long: names of 255 letters', async () => {
  await using f = await NftFixture.create();
  const name = (i: number): string => `c${String(i).padStart(254, '0')}`;
  const elements = Array.from({ length: 300 }, (_, i) => `${i} : jump ${name(i % 40)}`).join(', ');
  const chains = Array.from({ length: 40 }, (_, i) => `chain ${name(i)} { }`).join('\n');
  f.must('nft', ['-f', '-'], { input: `table ip x {\n${chains}\nmap m { type mark : verdict; elements = { ${elements} }; }\n}\n` });
  const sorted = (text: string): string[] =>
    text
      .split(/[\n,]/)
      .map((line) => line.trim())
      .sort();
  const before = sorted(listed(f));
  await copied(f);
  assert.deepEqual(sorted(listed(f)), before);
});

test('what is there already: EEXIST, or replaced in the same transaction; an owned table of one’s own too', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: 'table ip x { flags dormant; chain c { type filter hook input priority 0; policy drop; }; }\n' });
  const snapshot = await f.nft.snapshot();
  const before = listed(f);
  await assert.rejects(f.nft.restore(snapshot), { code: 'EEXIST', outcome: 'not-applied' });
  f.must('nft', ['add', 'chain', 'ip', 'x', 'later']);
  await f.nft.restore(snapshot, { existing: 'replace' });
  assert.equal(listed(f), before);
  const tx = f.nft.transaction();
  tx.add({ table: { family: 'ip', name: 'mine', flags: ['owner'] } });
  await tx.commit();
  await f.nft.restore(await f.nft.snapshot(), { existing: 'replace' });
  assert.doesNotMatch(listed(f), /flags owner/);
});

test('JSON that is no snapshot is refused naming the place, and nothing is sent', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: 'table ip x { set s { type ipv4_addr; elements = { 1.2.3.4 }; }; chain c { accept; }; }\n' });
  const json = (): { tables: { sets: { elements: unknown[] }[]; chains: { rules: Record<string, unknown>[] }[] }[] } =>
    JSON.parse(JSON.stringify(f.nft.snapshotSync())) as never;
  const element = json();
  element.tables[0]?.sets[0]?.elements.push(null);
  const rule = json();
  delete rule.tables[0]?.chains[0]?.rules[0]?.['expressions'];
  for (const [bad, place] of [
    [element, 'tables[0].sets[0].elements[1]'],
    [rule, 'tables[0].chains[0].rules[0].expressions'],
    [{}, 'snapshot.tables'],
    [null, 'snapshot'],
  ] as const) {
    await assert.rejects(f.nft.restore(bad, { existing: 'replace' }), (err: unknown) => {
      assert.ok(err instanceof NetfilterError);
      assert.equal(err.code, 'ERR_INVALID_ARG');
      assert.ok(err.message.includes(place), err.message);
      return true;
    });
  }
  await assert.rejects(f.nft.restore(await f.nft.snapshot({ elements: false }), { existing: 'replace' }), { code: 'ERR_INVALID_ARG' });
});

test('thousands of tables', async () => {
  await using f = await NftFixture.create();
  const tx = f.nft.transaction();
  for (let i = 0; i < 3000; i++) {
    tx.add({ table: { family: 'ip', name: `t${i}` } });
    tx.add({ chain: { family: 'ip', table: `t${i}`, name: 'c' } });
  }
  await tx.commit({ handles: false });
  const snapshot = await f.nft.snapshot();
  assert.equal(snapshot.tables.length, 3000);
  await withNamespace(async (ns) => {
    const { Nftables } = await import('../../lib/index.ts');
    const other = await Nftables.open({ netns: ns.path });
    try {
      await other.restore(snapshot);
      assert.equal((await other.snapshot()).table('ip', 't2999')?.chain('c')?.name, 'c');
    } finally {
      await other.close();
    }
  });
});
