// Commits as events: whose, in what order, what changed, and what is said when messages were lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { type CommitEvent, expressions as e, type NftEvent, type TraceEvent } from '../../lib/index.ts';
import { type EventLimits, EventSubscription } from '../../lib/nftables/events/subscription.ts';
import { runSync } from '../../lib/run.ts';
import { commitMark, eventsUntil, nextCommit, nextEvent, secondConnection, sendOverLoopback } from '../support/events.ts';
import { addChains, failureOf, NftFixture, ruleNamed, tableT } from '../support/nft.ts';

/** `add table ip t` and the like. */
const summary = (commit: CommitEvent): string[] =>
  commit.changes.map(({ verb, object }) => {
    const [[kind, o] = ['', {}]] = Object.entries(object as Record<string, { name?: string; comment?: string }>);
    return `${verb} ${kind} ${o.name ?? o.comment ?? ''}`;
  });

test('own commits and those of others: generation, thread, process', async () => {
  await using f = await NftFixture.create();
  await using other = await secondConnection(f);
  await using events = f.nft.events();

  const tx = f.nft.transaction();
  addChains(tx, 'c');
  tx.add(ruleNamed('first'));
  const { generation } = await tx.commit();
  const own = await nextCommit(events);
  assert.deepEqual([own.own, own.generation, summary(own)], [true, generation, ['add table t', 'add chain c', 'add rule first']]);
  assert.ok(own.tid > 0 && own.process.length > 0);

  commitMark(other, 'mine-too');
  assert.equal((await nextCommit(events)).own, false, 'another connection of this process is another');
  f.must('nft', ['add', 'table', 'ip', 'foreign']);
  const foreign = await nextCommit(events);
  assert.deepEqual([foreign.own, foreign.process, summary(foreign)], [false, 'nft', ['add table foreign']]);
  f.must('iptables-nft', ['-A', 'INPUT', '-j', 'ACCEPT']);
  const iptables = await nextCommit(events);
  assert.match(iptables.process, /^(ip|x)tables-nft/);
  assert.deepEqual(summary(iptables), ['add table filter', 'add chain INPUT', 'add rule ']);
  assert.equal(iptables.generation, (generation as number) + 3);
});

test('subscribed when the call returns, in the order of the commits, several at once', async () => {
  await using f = await NftFixture.withChains('c');
  await using one = f.nft.events();
  await using two = f.nft.events();
  const generations: unknown[] = [];
  for (let i = 0; i < 50; i++) {
    const tx = f.nft.transaction();
    tx.add(ruleNamed(`r${i}`));
    generations.push(tx.commitSync().generation);
  }
  for (const events of [one, two]) {
    const seen: CommitEvent[] = [];
    for (let i = 0; i < 50; i++) seen.push(await nextCommit(events));
    assert.deepEqual(
      seen.map((c) => c.generation),
      generations,
    );
    assert.deepEqual(
      seen.flatMap(summary),
      generations.map((_, i) => `add rule r${i}`),
    );
  }
});

test('next() may be called ahead: the answers keep the order', async () => {
  await using f = await NftFixture.create();
  await using events = f.nft.events();
  const ahead = [events.next(), events.next(), events.next()];
  for (const name of ['a', 'b', 'c']) commitMark(f.nft, name);
  const commits = (await Promise.all(ahead)).map((r) => r.value as CommitEvent);
  assert.deepEqual(commits.flatMap(summary), ['add table a', 'add table b', 'add table c']);
});

test('every kind of object is decoded, a deletion as well', async () => {
  await using f = await NftFixture.create();
  await using events = f.nft.events({ kinds: ['commit'] });
  f.must('nft', ['-f', '-'], {
    input: `table inet t {
      comment "a table"
      counter hits { packets 7 bytes 8 }
      quota much { over 5 mbytes }
      limit slow { rate 3/second }
      synproxy sp { mss 1460; wscale 7; }
      set s { type ipv4_addr; flags timeout; timeout 1m; elements = { 10.0.0.1 } }
      map m { type inet_service : verdict; elements = { 22 : accept } }
      chain in { type filter hook input priority filter + 5; policy drop; comment "base"; }
      chain c {
        counter packets 3 bytes 4 accept comment "a rule"
      }
    }`,
  });
  const added = new Map((await nextCommit(events)).changes.map(({ verb, object }) => [Object.keys(object)[0], { verb, object }]));
  const plain = (kind: string): Record<string, unknown> => {
    const change = added.get(kind);
    assert.ok(change?.verb === 'add', kind);
    return JSON.parse(
      JSON.stringify((change.object as Record<string, unknown>)[kind], (_, v) => (typeof v === 'bigint' ? Number(v) : v)),
    ) as Record<string, unknown>;
  };
  const subset = (kind: string, expected: Record<string, unknown>): void => {
    const object = plain(kind);
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((k) => [k, object[k]])), expected, kind);
  };
  subset('table', { family: 'inet', name: 't', comment: 'a table' });
  subset('set', { table: 't', name: 's', type: 'ipv4_addr', flags: ['timeout'], timeout: 60 });
  subset('map', { table: 't', name: 'm', type: 'inet_service', map: 'verdict' });
  subset('counter', { table: 't', name: 'hits', packets: 7, bytes: 8 });
  subset('quota', { table: 't', name: 'much' });
  subset('limit', { table: 't', name: 'slow' });
  subset('synproxy', { table: 't', name: 'sp' });
  subset('rule', { table: 't', chain: 'c', comment: 'a rule', counter: { packets: 3, bytes: 4 } });
  const { elem, ...element } = plain('element') as { elem: unknown[] };
  assert.deepEqual([element, elem.length], [{ family: 'inet', table: 't', name: 'm' }, 1]);

  const { rule } = (added.get('rule')?.object ?? {}) as { rule?: { handle: bigint; expressions: readonly { type: string }[] } };
  assert.ok(rule !== undefined);
  assert.deepEqual(
    rule.expressions.map((x) => x.type),
    ['counter', 'immediate'],
  );
  f.must('nft', ['delete', 'rule', 'inet', 't', 'c', 'handle', String(rule.handle)]);
  const deleted = await nextCommit(events);
  assert.deepEqual(summary(deleted), ['delete rule a rule']);
  f.must('nft', ['delete', 'table', 'inet', 't']);
  const gone = summary(await nextCommit(events));
  // The kernel's word of a deleted set doesn't say that it was a map.
  for (const line of ['delete table t', 'delete chain in', 'delete chain c', 'delete set s', 'delete set m', 'delete counter hits'])
    assert.ok(gone.includes(line), `${line} in ${gone.join(', ')}`);
});

test('a deleted set or map has its names and handle, and no invented type', async () => {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: 'table ip t {\nset s { type ipv4_addr; }\nmap m { type ipv4_addr : verdict; }\n}' });
  await using events = f.nft.events();
  for (const [kind, name] of [
    ['set', 's'],
    ['map', 'm'],
  ] as const) {
    const handle = f.nft.snapshotSync().tables[0]?.sets.find((s) => s.name === name)?.handle;
    assert.equal(typeof handle, 'bigint');
    f.must('nft', ['delete', kind, 'ip', 't', name]);
    const { changes } = await nextCommit(events);
    assert.deepEqual(
      changes.map(({ verb, object }) => ({ verb, object })),
      [{ verb: 'delete', object: { set: { family: 'ip', table: 't', name, handle } } }],
    );
  }
});

test('events and installed rules have a JSON of their own', async () => {
  await using f = await NftFixture.create();
  f.ns.up();
  await using commits = f.nft.events({ kinds: ['commit'] });
  await using traces = f.nft.events({ kinds: ['trace'] });
  f.must('nft', ['-f', '-'], {
    input: 'table ip t {\nset s { type ipv4_addr; }\nchain o {\ntype filter hook output priority 0\nmeta nftrace set 1 counter\n}\n}',
  });
  f.must('nft', ['add element ip t s { 10.0.0.1 }']);
  const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  const commit = await nextCommit(commits);
  const [change] = commit.changes.filter(({ object }) => 'rule' in object);
  const [installed] = f.nft.snapshotSync().rules();
  assert.ok(change !== undefined && installed !== undefined);
  const { rule } = change.object as { rule: { handle: bigint } };
  const { family, table, chain, handle, counter, expressions } = json(installed) as Record<string, unknown>;
  assert.deepEqual([handle, counter], [Number(rule.handle), { packets: 0, bytes: 0 }]);
  assert.deepEqual(json(rule), { family, table, chain, handle, counter, expressions });
  assert.deepEqual(json(change), { verb: 'add', object: { rule: json(rule) } });
  const whole = json(commit) as { generation: number; changes: unknown[] };
  assert.equal(whole.generation, commit.generation);
  assert.deepEqual(
    whole.changes,
    commit.changes.map((c) => json(c)),
  );
  const elements = json(await nextCommit(commits)) as { changes: [{ object: { element: { elem: { key: unknown }[] } } }] };
  assert.equal(elements.changes[0].object.element.elem[0]?.key, Buffer.from([10, 0, 0, 1]).toString('base64'));

  // The same rule within its ruleset's JSON.
  const { tables } = f.nft.snapshotSync().toJSON() as { tables: { chains: { rules: unknown[] }[] }[] };
  assert.deepEqual(tables[0]?.chains[0]?.rules, [json(installed)]);

  sendOverLoopback(f.ns, 'udp', '127.0.0.1', 9);
  const trace = (await nextEvent(traces)) as TraceEvent;
  assert.deepEqual((json(trace) as { rule: unknown }).rule, { family, table, chain, handle, index: -1 });
  assert.equal((json({ trace }) as { trace: { id: number } }).trace.id, trace.id);
});

test('a base chain comes with its hook; a changed policy and a new name are additions', async () => {
  await using f = await NftFixture.withChains('old');
  await using events = f.nft.events();
  f.must('nft', ['add chain ip t b { type filter hook forward priority 7; policy drop; }']);
  f.must('nft', ['chain ip t b { policy accept; }']);
  f.must('nft', ['rename chain ip t old new']);
  const chains: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    for (const { verb, object } of (await nextCommit(events)).changes) {
      const { handle, ...chain } = (object as { chain: { handle: bigint } }).chain;
      assert.equal(typeof handle, 'bigint');
      chains.push([verb, chain]);
    }
  }
  const base = { family: 'ip', table: 't', name: 'b', type: 'filter', hook: 'forward', prio: 7 };
  assert.deepEqual(chains, [
    ['add', { ...base, policy: 'drop' }],
    ['add', { ...base, policy: 'accept' }],
    ['add', { family: 'ip', table: 't', name: 'new' }],
  ]);
});

test('only the kinds that were asked for come', async () => {
  await using f = await NftFixture.create();
  f.ns.up();
  f.must('nft', ['-f', '-'], { input: 'table ip t {\nchain o {\ntype filter hook output priority 0\nmeta nftrace set 1\n}\n}' });
  await using traces = f.nft.events({ kinds: ['trace'] });
  await using commits = f.nft.events({ kinds: ['commit'] });
  await using none = f.nft.events({ kinds: ['overrun'] });
  const noOverrun = none.next();
  commitMark(f.nft, 'before');
  sendOverLoopback(f.ns, 'udp', '127.0.0.1', 9);
  commitMark(f.nft, 'after');
  assert.deepEqual(summary(await nextCommit(commits)), ['add table before']);
  assert.deepEqual(summary(await nextCommit(commits)), ['add table after']);
  assert.equal((await nextEvent(traces)).kind, 'trace');
  await none.close();
  assert.deepEqual(await noOverrun, { done: true, value: undefined });
  const err = await failureOf(() => f.nft.events({ kinds: ['commits' as 'commit'] }));
  assert.equal(err.code, 'ERR_INVALID_ARG');
});

test('what the kernel says by itself has no process and belongs to no commit', async () => {
  await using f = await NftFixture.create();
  f.ns.up();
  f.must('nft', ['-f', '-'], {
    input: 'table ip t {\nquota q { over 1 bytes; }\nchain o {\ntype filter hook output priority 0\nquota name "q" drop\n}\n}',
  });
  await using events = f.nft.events();
  commitMark(f.nft, 'before');
  const before = await nextCommit(events);
  sendOverLoopback(f.ns, 'udp', '127.0.0.1', 9);
  const event = await nextCommit(events);
  assert.deepEqual([event.own, event.tid, event.process, event.generation], [false, 0, '', before.generation]);
  assert.deepEqual(summary(event), ['add quota q']);
  commitMark(f.nft, 'after');
  assert.deepEqual(await eventsUntil(events, 'after'), []);
});

/** A subscription of small size, beside the fixture's own connection. */
function small(f: NftFixture, limits: Partial<EventLimits>): { events: EventSubscription; connection: Connection } {
  const connection = runSync(Connection.open(f.ns.path));
  const sizes = { receiveBytes: 1 << 20, queueBytes: 1 << 20, ...limits };
  return { connection, events: EventSubscription.open(connection, {}, sizes) };
}

function manyRules(f: NftFixture, count: number): void {
  const tx = f.nft.transaction();
  for (let i = 0; i < count; i++) tx.add(ruleNamed('x', 'c', [e.counter()]));
  tx.commitSync();
}

/** What comes up to and with the mark, each in a word; marks are committed until one is seen. */
async function words(f: NftFixture, events: AsyncIterator<NftEvent>): Promise<string[]> {
  const seen: string[] = [];
  for (let mark = 0; ; mark++) {
    // One mark may itself be lost; the next comes when the queue is empty.
    commitMark(f.nft, `mark${mark}`);
    const { value: event } = (await events.next()) as { value: NftEvent };
    seen.push(event.kind === 'commit' ? `${event.changes.length} changes` : event.kind);
    if (event.kind === 'commit' && summary(event).some((line) => line.startsWith('add table mark'))) return seen;
  }
}

test('a consumer that stops: the queue is bounded, the loss is told once, and then events come again', async () => {
  await using f = await NftFixture.withChains('c');
  const { events, connection } = small(f, { queueBytes: 64 * 1024 });
  for (let i = 0; i < 20; i++) manyRules(f, 100);
  const seen = await words(f, events);
  const lost = seen.indexOf('overrun');
  assert.ok(lost > 0, `whole commits, then the loss: ${seen.join(', ')}`);
  assert.deepEqual(
    seen.slice(0, lost).filter((w) => w !== '100 changes'),
    [],
  );
  assert.equal(seen.filter((w) => w === 'overrun').length, 1);
  assert.ok(lost < 20);
  await events.close();
  await connection.close();
});

test("the kernel's buffer overflows: the loss is told, half a commit is not", async () => {
  await using f = await NftFixture.withChains('c');
  const { events, connection } = small(f, { receiveBytes: 4096 });
  manyRules(f, 5000);
  const seen = await words(f, events);
  assert.equal(seen[0], 'overrun', seen.join(', '));
  assert.equal(f.nft.countersSync().length, 5000);
  await events.close();
  await connection.close();
});

test('a commit beyond all measure is told as an overrun in its place', async () => {
  await using f = await NftFixture.withChains('c');
  const { events, connection } = small(f, { receiveBytes: 1 << 26, queueBytes: 1 << 26, largestCommit: 1000 });
  const waiting = events.next();
  manyRules(f, 20_000);
  commitMark(f.nft, 'after');
  // In how many batches a commit comes is the scheduler's choice: one that came in a single batch is within its bound.
  const first = (await waiting).value as NftEvent;
  assert.ok(first.kind === 'overrun' || (first.kind === 'commit' && first.changes.length === 20_000), first.kind);
  assert.deepEqual(await eventsUntil(events, 'after'), []);
  await events.close();
  await connection.close();
});

test('one commit of 100,000 rules arrives whole', async () => {
  await using f = await NftFixture.withChains('c');
  await using events = f.nft.events();
  const waiting = events.next();
  const tx = f.nft.transaction();
  for (let i = 0; i < 100_000; i++) tx.add(ruleNamed(`r${i}`));
  await tx.commit({ handles: false });
  const commit = (await waiting).value as CommitEvent;
  assert.equal(commit.kind, 'commit');
  assert.equal(commit.changes.length, 100_000);
  assert.deepEqual(summary({ ...commit, changes: commit.changes.slice(-1) }), ['add rule r99999']);
});

test('a failed commit and a dry run are no events', async () => {
  await using f = await NftFixture.create();
  await using events = f.nft.events();
  const failing = f.nft.transaction();
  failing.add(tableT);
  failing.add(ruleNamed('nowhere', 'nochain'));
  await failureOf(() => failing.commit());
  const dry = f.nft.transaction();
  dry.add(tableT);
  await dry.check();
  commitMark(f.nft, 'after');
  assert.deepEqual(await eventsUntil(events, 'after'), []);
});
