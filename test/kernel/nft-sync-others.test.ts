// sync while others commit: elsewhere costs no other look, in a table of the scope another plan, ten times in a row an error that says who.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Connection } from '../../lib/connection.ts';
import { NetfilterError, Nftables, type NftRule, type NftSyncReport, type Ruleset } from '../../lib/index.ts';
import { portableTables } from '../../lib/nftables/portable.ts';
import { reportOf } from '../../lib/nftables/sync/plan.ts';
import { Reconciler } from '../../lib/nftables/sync/reconcile.ts';
import { resolveScope } from '../../lib/nftables/sync/scope.ts';
import { runSync } from '../../lib/run.ts';
import { failureOf, NftFixture } from '../support/nft.ts';

const inTable = (rule: string): string => `table ip t { set s { type mark; }; counter n { }; chain c { ${rule}; }; }\n`;

async function load(text: string): Promise<NftFixture> {
  const f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: text });
  return f;
}
async function snapshotOf(text: string): Promise<Ruleset<NftRule>> {
  await using f = await load(text);
  return await f.nft.snapshot();
}

/** Settings that are asked for when all has been looked at. */
class Looks {
  readonly #then: (look: number) => void;
  count = 0;
  constructor(then: (look: number) => void) {
    this.#then = then;
  }
  get dynamic(): boolean {
    this.#then(++this.count);
    return false;
  }
}

const ways: Readonly<Record<string, (f: NftFixture, desired: unknown, looks: Looks) => NftSyncReport | Promise<NftSyncReport>>> = {
  sync: (f, desired, looks) => f.nft.sync(desired, {}, looks),
  syncSync: (f, desired, looks) => f.nft.syncSync(desired, {}, looks),
};

for (const [way, sync] of Object.entries(ways)) {
  it(`${way}: a commit elsewhere costs no other look, whatever it is of`, async () => {
    await using f = await load(inTable('accept'));
    const desired = [await snapshotOf(inTable('drop')), await snapshotOf(inTable('accept'))];
    for (const [i, text] of [
      'table ip6 t { set s { type mark; elements = { 1 }; }; counter n { }; chain c { accept; }; }',
      'table ip other { }',
      'add rule ip6 t c drop',
      'add element ip6 t s { 2 }',
      'delete element ip6 t s { 2 }',
      'delete table ip other; delete table ip6 t',
    ].entries()) {
      const looks = new Looks(() => void f.must('nft', [text]));
      const report = await sync(f, desired[i % 2], looks);
      assert.deepEqual([report.retries, looks.count, report.added], [1, 1, 1], text);
    }
  });

  it(`${way}: a commit in a table of the scope makes another plan, whatever it is of`, async () => {
    await using f = await load(inTable('accept'));
    const desired = [await snapshotOf(inTable('drop')), await snapshotOf(inTable('accept'))];
    for (const [i, text] of [
      'add rule ip t c accept',
      'add chain ip t d',
      'add element ip t s { 1 }',
      'add set ip t more { type mark; }',
      'add counter ip t more',
      'delete table ip t',
    ].entries()) {
      const looks = new Looks((look) => look === 1 && f.must('nft', [text]));
      const wanted = desired[i % 2];
      const report = await sync(f, wanted, looks);
      assert.deepEqual([report.retries, looks.count], [1, 2], text);
      assert.ok((await f.nft.plan(wanted)).empty, text);
    }
  });

  it(`${way}: ten times in a table of the scope: ERR_CONFLICT names who`, async () => {
    await using f = await load(inTable('accept'));
    const desired = await snapshotOf(inTable('drop'));
    const other = await Nftables.open({ netns: f.ns.path });
    const looks = new Looks((look) => {
      const tx = other.transaction();
      tx.add({ chain: { family: 'ip', table: 't', name: `c${look}` } });
      tx.commitSync();
    });
    const failure = await failureOf(() => sync(f, desired, looks));
    assert.equal(failure.code, 'ERR_CONFLICT');
    assert.equal(failure.outcome, 'not-applied');
    assert.match(
      failure.message,
      /^sync of ip t: somebody else has committed during each of 10 tries, last by \S+ \(thread \d+\); nothing was applied$/,
    );
    assert.equal(looks.count, 10);
    assert.match(f.listing(), /accept/);
    await other.close();
  });
}

it('a busy writer elsewhere keeps nobody from looking at many rules and elements', async () => {
  const rules = Array.from({ length: 6000 }, (_, i) => `ip saddr 10.0.${i >> 8}.${i & 255} counter accept`);
  const elements = Array.from({ length: 6000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const text = `table ip t {\nset s { type ipv4_addr; elements = { ${elements.join(', ')} }; }\nchain c {\n${rules.join('\n')}\n}\n}\n`;
  await using f = await load(text);
  const desired = JSON.parse(JSON.stringify(await f.nft.snapshot())) as { tables: { chains: { rules: unknown[] }[] }[] };
  desired.tables[0]?.chains[0]?.rules.pop();
  const other = await Nftables.open({ netns: f.ns.path });
  let done = false;
  const writes = (async () => {
    while (!done) {
      for (const verb of ['add', 'delete'] as const) {
        const tx = other.transaction();
        tx[verb]({ table: { family: 'ip6', name: 'other' } });
        await tx.commit();
        await wait(1);
      }
    }
  })();
  try {
    const plan = await f.nft.plan(desired);
    assert.deepEqual([plan.removed, plan.kept, plan.elements.kept], [1, rules.length - 1, elements.length]);
    const report = await f.nft.sync(desired);
    assert.deepEqual([report.removed, report.kept, report.elements.kept], [1, rules.length - 1, elements.length]);
  } finally {
    done = true;
    await writes;
    await other.close();
  }
  assert.ok((await f.nft.plan(desired)).empty);
});

it('who can have no socket for events looks again', async () => {
  await using f = await load(inTable('accept'));
  const connection = runSync(Connection.open(f.ns.path));
  Object.defineProperty(connection, 'subscribe', {
    value: () => {
      throw new NetfilterError('events: too many open files (EMFILE)', { code: 'EMFILE' });
    },
  });
  const desired = portableTables(await snapshotOf(inTable('drop')), 'test');
  const sync = (looks: Looks): NftSyncReport =>
    reportOf(connection.runSync('sync', () => new Reconciler(connection, resolveScope({}, desired), looks).sync(), true));
  const looks = new Looks((look) => look === 1 && f.must('nft', ['add', 'table', 'ip', 'other']));
  assert.deepEqual([sync(looks).retries, looks.count], [1, 2]);
  f.must('nft', ['add', 'rule', 'ip', 't', 'c', 'accept']);
  const failure = await failureOf(() => sync(new Looks((look) => f.must('nft', ['add', 'table', 'ip', `other${look}`]))));
  assert.match(failure.message, /during each of 10 tries; nothing was applied$/);
  connection.closeSync();
});
