// plan and sync of nf_tables: what is touched and what stays, scopes, conflicts, what is refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { NftRule, Ruleset } from '../../lib/index.ts';
import { failureOf, NftFixture } from '../support/nft.ts';
import { listedTables } from '../support/nft-listing.ts';
import { LOOPBACK, Sender } from '../support/traffic.ts';

/** What nft loads of `text`, as a snapshot from a namespace of its own. */
async function snapshotOf(text: string): Promise<Ruleset<NftRule>> {
  await using f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: text });
  return await f.nft.snapshot();
}

async function loaded(text: string): Promise<NftFixture> {
  const f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: text });
  return f;
}

const chain = (rules: readonly string[], head = ''): string => `table ip t {\n chain c { ${head}\n ${rules.join('\n ')}\n }\n}\n`;
const listed = (f: NftFixture): string => f.must('nft', ['list', 'ruleset']);

describe('rules', () => {
  it('stay with handle and counters; a moved one is another', async () => {
    await using f = await loaded(
      chain(['tcp dport 1 counter packets 1 bytes 10', 'tcp dport 2 counter packets 2 bytes 20', 'tcp dport 3 counter']),
    );
    const before = (await f.nft.snapshot()).table('ip', 't')?.chain('c')?.rules ?? [];
    const desired = await snapshotOf(
      chain(['tcp dport 3 counter packets 9 bytes 90', 'tcp dport 1 counter', 'tcp dport 4 counter', 'tcp dport 2 counter']),
    );
    const plan = await f.nft.plan(desired);
    assert.deepEqual([plan.added, plan.removed, plan.moved, plan.kept, plan.empty, plan.minimal], [1, 0, 1, 2, false, true]);
    assert.equal(plan.generation, (await f.nft.snapshot()).generation, 'a plan writes nothing');
    const report = await plan.apply();
    assert.deepEqual([report.added, report.removed, report.moved, report.kept, report.retries], [1, 0, 1, 2, 0]);
    assert.equal(report.generation, plan.generation + 1);
    const after = (await f.nft.snapshot()).table('ip', 't')?.chain('c')?.rules ?? [];
    assert.deepEqual(
      after.map((r) => r.counter?.packets),
      [0n, 1n, 0n, 2n],
    );
    assert.deepEqual([after[1]?.handle, after[3]?.handle], [before[0]?.handle, before[1]?.handle]);
  });

  it('begin with the counters of the ruleset where that is asked for', async () => {
    await using f = await loaded(chain(['tcp dport 1 counter packets 1 bytes 10']));
    const desired = await snapshotOf(chain(['tcp dport 1 counter packets 5 bytes 50', 'tcp dport 2 counter packets 7 bytes 70']));
    await f.nft.sync(desired, {}, { counters: true });
    const packets = [...(await f.nft.snapshot()).rules()].map((r) => r.counter?.packets);
    assert.deepEqual(packets, [1n, 7n]);
  });

  it('that differ in an anonymous set or chain come anew, and with them what is theirs; those that don’t stay', async () => {
    const rules = (ports: string, verdict: string): string[] => [
      'tcp dport { 1, 2 } accept',
      `tcp dport { ${ports} } accept`,
      `tcp dport vmap { 1 : accept, 2 : ${verdict} }`,
      'jump { tcp dport { 5, 6 } accept; }',
      `jump { tcp dport { 5, 6 } ${verdict}; }`,
    ];
    await using f = await loaded(chain(rules('3, 4', 'drop')));
    const desired = await snapshotOf(chain(rules('3, 5', 'return')));
    const report = await f.nft.sync(desired);
    assert.deepEqual([report.added, report.removed, report.kept], [3, 3, 2]);
    const other = await loaded(chain(rules('3, 5', 'return')));
    assert.deepEqual(listedTables(f.ns), listedTables(other.ns));
    const [table] = (await f.nft.snapshot()).tables;
    assert.equal(table?.sets.length, 6 - 1, 'no set is left behind');
    await other[Symbol.asyncDispose]();
  });

  it('count on while others come and go', async () => {
    await using f = await loaded(chain(['udp dport 9 counter', 'tcp dport 1 counter'], 'type filter hook output priority 0;'));
    f.ns.up();
    await using sender = new Sender(f.ns);
    const texts = [
      ['tcp dport 2', 'udp dport 9 counter'],
      ['udp dport 9 counter', 'tcp dport 3', 'tcp dport 1'],
      ['tcp dport 5', 'tcp dport 6', 'udp dport 9 counter'],
    ];
    const wanted = await Promise.all(texts.map((rules) => snapshotOf(chain(rules, 'type filter hook output priority 0;'))));
    const sent = sender.send(LOOPBACK.ip, 300);
    for (let i = 0; i < 60; i++) await f.nft.sync(wanted[i % wanted.length]);
    await sent;
    const counted = [...(await f.nft.snapshot()).rules()].find((r) => r.counter !== undefined)?.counter?.packets;
    assert.equal(counted, 300n);
  });
});

describe('tables and chains', () => {
  const empty = 'table ip t { }\n';

  it('are made, changed in place and deleted', async () => {
    await using f = await loaded(
      'table ip t { chain c { type filter hook input priority 0; counter; }; chain gone { accept; }; chain base { type filter hook output priority 5; }; }\ntable ip6 t { chain c { }; }\n',
    );
    const handle = (await f.nft.snapshot()).table('ip', 't')?.chain('c')?.handle;
    const desired = await snapshotOf(
      'table ip t { chain c { type filter hook input priority 0; policy drop; counter; }; chain come { drop; }; }\ntable inet n { }\n',
    );
    const scope = { tables: [...desired.tables.map(({ family, name }) => ({ family, name })), { family: 'ip6', name: 't' }] } as const;
    const plan = f.nft.planSync(desired, scope);
    const at = { family: 'ip', table: 't' };
    assert.deepEqual(plan.chains, {
      added: [{ ...at, name: 'come' }],
      removed: [
        { ...at, name: 'gone' },
        { ...at, name: 'base' },
        { family: 'ip6', table: 't', name: 'c' },
      ],
      changed: [{ ...at, name: 'c', anew: false, differs: ['policy'] }],
    });
    assert.deepEqual(plan.tables, { added: [{ family: 'inet', name: 'n' }], removed: [{ family: 'ip6', name: 't' }], changed: [] });
    assert.equal(
      plan.toString(),
      `--- table ip t
+++ table ip t
!chain c: policy; policy accept -> drop
+chain come
@@ -0,0 +1 @@ come
+[ immediate reg 0 drop ]
-chain gone
@@ -1 +0,0 @@ gone
-[ immediate reg 0 accept ]
-chain base
--- table inet n
+++ table inet n
+table n
--- table ip6 t
+++ table ip6 t
-table t
-chain c
`,
    );
    const report = plan.applySync();
    assert.deepEqual([report.added, report.removed, report.kept], [1, 1, 1]);
    assert.equal((await f.nft.snapshot()).table('ip', 't')?.chain('c')?.handle, handle);
    assert.deepEqual(Object.keys(listedTables(f.ns)), ['table ip t {', 'table inet n {']);
    assert.ok(f.nft.planSync(desired, scope).empty);
  });

  it('a base chain of another hook, type or priority is made anew with its rules, and a user chain of another comment with the jumps there', async () => {
    await using f = await loaded(
      'table ip t { chain u { comment "a"; counter; }; chain c { type filter hook input priority 0; accept; jump u; }; chain d { tcp dport vmap { 1 : goto u }; }; map m { type mark : verdict; elements = { 1 : jump u, 2 : accept } }; }\n',
    );
    const desired = await snapshotOf(
      'table ip t { chain u { comment "b"; counter; }; chain c { type nat hook input priority 5; accept; jump u; }; chain d { tcp dport vmap { 1 : goto u }; }; map m { type mark : verdict; elements = { 1 : jump u, 2 : accept } }; }\n',
    );
    const plan = await f.nft.plan(desired);
    assert.deepEqual(
      plan.chains.changed.map(({ name, anew, differs }) => [name, anew, differs]),
      [
        ['u', true, ['userdata']],
        ['c', true, ['hook', 'type']],
      ],
    );
    assert.deepEqual(plan.elements, { added: 1, removed: 1, refreshed: 0, kept: 1 });
    assert.deepEqual([plan.kept, plan.moved], [0, 2]);
    await plan.apply();
    assert.ok((await f.nft.plan(desired)).empty);
    assert.match(listed(f), /type nat hook input priority filter \+ 5/);
  });

  it('fall asleep and wake up while base chains come, go and change', async () => {
    const awake =
      'table ip t { chain a { type filter hook input priority 0; counter; }; chain b { type filter hook output priority 0; }; }\n';
    const asleep =
      'table ip t { flags dormant; chain a { type filter hook input priority 0; policy drop; counter; }; chain n { type filter hook forward priority 0; }; }\n';
    const moved = 'table ip t { chain a { type filter hook input priority 7; counter; }; }\n';
    await using f = await loaded(awake);
    for (const text of [asleep, awake, asleep, moved, asleep]) {
      const desired = await snapshotOf(text);
      await f.nft.sync(desired);
      assert.ok((await f.nft.plan(desired)).empty);
    }
    // Awake again it lets packets be counted.
    await f.nft.sync(await snapshotOf(awake));
    f.ns.up();
    await using sender = new Sender(f.ns);
    await sender.send(LOOPBACK.ip, 2);
    const [rule] = (await f.nft.snapshot()).rules();
    assert.ok((rule?.counter?.packets ?? 0n) >= 2n);
  });

  it('of another comment is made anew; an owner’s table stays its, as it is', async () => {
    await using f = await loaded('table ip t { comment "a"; chain c { accept; }; }\n');
    const desired = await snapshotOf('table ip t { comment "b"; chain c { accept; }; }\n');
    const plan = await f.nft.plan(desired);
    assert.deepEqual(plan.tables.changed, [{ family: 'ip', name: 't', anew: true, differs: ['userdata'] }]);
    await plan.apply();
    assert.match(listed(f), /comment "b"/);
    const tx = f.nft.transaction();
    tx.add({ table: { family: 'ip', name: 'mine', flags: ['owner'] } });
    tx.commitSync();
    const mine = await snapshotOf('table ip mine { flags dormant; chain c { type filter hook input priority 0; }; }\n');
    const before = listed(f);
    for (const [wanted, why] of [
      [mine, /^sync: table ip mine has another flags, which is not changed, while a socket owns it; nothing was sent$/],
      [await snapshotOf('table ip mine { comment "b"; }\n'), /another userdata/],
      [{ tables: [] }, /is not deleted while a socket owns it/],
    ] as const) {
      const failure = await failureOf(() => f.nft.sync(wanted, { tables: [{ family: 'ip', name: 'mine' }] }));
      assert.equal(failure.code, 'ERR_NOT_SUPPORTED');
      assert.match(failure.message, why);
    }
    assert.equal(listed(f), before);
    await f.nft.sync(await snapshotOf('table ip mine { chain c { accept; }; }\n'));
    assert.deepEqual((await f.nft.snapshot()).table('ip', 'mine')?.flags, ['owner']);
  });

  it('nothing desired is nothing done', async () => {
    await using f = await loaded(empty);
    const { generation } = await f.nft.snapshot();
    assert.equal((await f.nft.sync({ tables: [] })).generation, generation);
    assert.equal(f.nft.syncSync(await f.nft.snapshot()).generation, generation);
    assert.equal((await f.nft.plan(await f.nft.snapshot())).toString(), '');
  });
});

describe('scope.chains', () => {
  const text = (rule: string): string =>
    `table ip t { set s { type inet_service; elements = { 1 } }; counter n { }; map o { type ipv4_addr : counter; elements = { 1.2.3.4 : "n" } }; chain KUBE-A { ${rule}; }; chain other { tcp dport @s drop; counter name ip saddr map @o; }; }\n`;

  it('touches these only, and adds what their rules need', async () => {
    await using f = await loaded(
      'table ip t { set mine { type mark; }; chain mine { accept; }; chain KUBE-A { accept; }; chain KUBE-B { drop; }; }\n',
    );
    const report = await f.nft.sync(await snapshotOf(text('tcp dport @s accept; counter name ip saddr map @o')), { chains: /^KUBE-/ });
    assert.deepEqual([report.added, report.removed, report.kept], [2, 2, 0]);
    const [table] = (await f.nft.snapshot()).tables;
    assert.deepEqual(
      table?.chains.map((c) => c.name),
      ['mine', 'KUBE-A'],
    );
    assert.deepEqual(
      table?.sets.map((s) => s.name),
      ['mine', 's', 'o'],
    );
    assert.deepEqual(
      table?.objects.map((o) => o.name),
      ['n'],
    );
    // What is there is not compared.
    f.must('nft', ['add', 'element', 'ip', 't', 's', '{ 7 }']);
    const again = await f.nft.plan(await snapshotOf(text('tcp dport @s accept; counter name ip saddr map @o')), {
      chains: ['KUBE-A', 'KUBE-B'],
    });
    assert.ok(again.empty, `${again}`);
    // A table that isn't desired loses these chains, and stays.
    await f.nft.sync({ tables: [] }, { tables: [{ family: 'ip', name: 't' }], chains: ['KUBE-A'] });
    assert.deepEqual(
      (await f.nft.snapshot()).table('ip', 't')?.chains.map((c) => c.name),
      ['mine'],
    );
  });

  it('makes the table where it isn’t', async () => {
    await using f = await NftFixture.create();
    await f.nft.sync(await snapshotOf(text('accept')), { chains: /A$/g });
    assert.deepEqual(listedTables(f.ns), { 'table ip t {': ['KUBE-A chain {\naccept'] });
  });

  it('a chain that somebody else jumps to is not deleted: EBUSY, and all is as it was', async () => {
    await using f = await loaded('table ip t { chain KUBE-A { accept; }; chain mine { jump KUBE-A; }; }\n');
    const before = f.listing();
    const failure = await failureOf(() => f.nft.sync({ tables: [] }, { tables: [{ family: 'ip', name: 't' }], chains: ['KUBE-A'] }));
    assert.equal(failure.code, 'EBUSY');
    assert.match(failure.message, /sync chain ip t KUBE-A/);
    assert.equal(f.listing(), before);
  });
});

describe('sets and objects', () => {
  it('of another definition are made anew with what refers to them, all others stay', async () => {
    const text = (s: string): string =>
      `table ip t { set s { ${s} elements = { 1.2.3.4 } }; set u { type ipv4_addr; elements = { 1.2.3.4 } }; chain c { ip saddr @s accept; ip saddr @u accept; }; }\n`;
    await using f = await loaded(text('type ipv4_addr;'));
    const desired = await snapshotOf(text('type ipv4_addr; flags interval;'));
    const plan = await f.nft.plan(desired);
    assert.deepEqual(plan.sets.changed, [{ family: 'ip', table: 't', name: 's', anew: true, differs: ['flags'] }]);
    assert.deepEqual([plan.added, plan.removed, plan.kept], [1, 1, 1]);
    await plan.apply();
    assert.ok((await f.nft.plan(desired)).empty);
  });

  it('that are constant are made anew where an element differs', async () => {
    const text = (elements: string): string =>
      `table ip t { set s { type mark; flags constant; elements = { ${elements} } }; chain c { mark @s accept; accept; }; }\n`;
    await using f = await loaded(text('1, 2'));
    const desired = await snapshotOf(text('1, 3'));
    const plan = await f.nft.plan(desired);
    assert.deepEqual(plan.sets.changed[0]?.differs, ['elements']);
    await plan.apply();
    assert.match(listed(f), /0x00000001, 0x00000003/);
    assert.equal((await f.nft.sync(await snapshotOf(text('3, 1')))).kept, 2);
  });

  it('a quota is changed where it is, and goes on from what it has counted; a limit is made anew', async () => {
    const text = (quota: string, limit: string): string =>
      `table ip t { quota q { ${quota} }; limit l { rate ${limit}; }; counter n { }; chain c { type filter hook output priority 0; udp dport 9 quota name "q"; udp dport 9 counter name "n"; limit name "l" accept; }; }\n`;
    await using f = await loaded(text('10 mbytes', '1/second'));
    f.ns.up();
    await using sender = new Sender(f.ns);
    await sender.send(LOOPBACK.ip, 3);
    const desired = await snapshotOf(text('over 5 mbytes', '2/second'));
    const plan = await f.nft.plan(desired);
    assert.deepEqual(
      plan.objects.changed.map(({ kind, anew, differs }) => [kind, anew, differs]),
      [
        ['quota', false, ['data']],
        ['limit', true, ['data']],
      ],
    );
    assert.deepEqual([plan.added, plan.removed, plan.kept], [1, 1, 2]);
    await plan.apply();
    assert.deepEqual([...(await f.nft.quotas()).used], [3n * 38n]);
    assert.match(listed(f), /quota q \{\s+over 5 mbytes used 114 bytes/);
    assert.match(listed(f), /counter n \{\s+packets 3/);
    assert.ok((await f.nft.plan(desired)).empty);
  });

  it('elements get another time to live where they are, and remaining time is no difference', async () => {
    const text = (elements: string): string =>
      `table ip t { set s { type ipv4_addr; flags timeout; counter; elements = { ${elements} } }; }\n`;
    await using f = await loaded(
      text('1.1.1.1 counter packets 5 bytes 50 timeout 1h, 1.1.1.2 timeout 1h, 1.1.1.3, 1.1.1.4 timeout 1h expires 5m'),
    );
    const desired = await snapshotOf(text('1.1.1.1 timeout 2h, 1.1.1.2, 1.1.1.3 timeout 1h, 1.1.1.4 timeout 1h'));
    const plan = await f.nft.plan(desired);
    assert.deepEqual(plan.elements, { added: 0, removed: 0, refreshed: 3, kept: 1 });
    assert.match(`${plan}`, /^!.*1\.1\.1\.2.*timeout 3600s -> none$/m);
    await plan.apply();
    assert.ok((await f.nft.plan(desired)).empty);
    assert.match(listed(f), /1\.1\.1\.1 counter packets 5 bytes 50 timeout 2h expires 1h59m/);
    assert.match(listed(f), /1\.1\.1\.4 counter packets 0 bytes 0 timeout 1h expires 4m/);
  });

  it('what the packet path has put in a dynamic set stays, unless all is asked for', async () => {
    const text = (elements: string): string =>
      `table ip t { set s { type ipv4_addr; flags dynamic, timeout; timeout 1h; ${elements} }; chain c { type filter hook output priority 0; add @s { ip daddr }; }; }\n`;
    await using f = await loaded(text(''));
    f.ns.up();
    await using sender = new Sender(f.ns);
    await sender.send(LOOPBACK.ip, 1);
    const desired = await snapshotOf(text('elements = { 1.2.3.4 }'));
    assert.deepEqual((await f.nft.sync(desired)).elements, { added: 1, removed: 0, refreshed: 0, kept: 1 });
    assert.match(listed(f), /127\.0\.0\.1/);
    assert.deepEqual((await f.nft.sync(desired, {}, { dynamic: true })).elements, { added: 0, removed: 1, refreshed: 0, kept: 1 });
    assert.doesNotMatch(listed(f), /127\.0\.0\.1/);
  });

  it('what jumps to a chain that goes leaves a dynamic map too', async () => {
    const text = (chains: string, elements: string, map = 'flags dynamic;'): string =>
      `table ip t { ${chains} chain stays { }; map m { type ipv4_addr : verdict; ${map} elements = { 2.2.2.2 : jump stays, ${elements} }; }; }\n`;
    const old = text(
      'chain gone { accept; }; chain anew { comment "a"; };',
      '1.1.1.1 : jump gone, 1.1.1.2 : jump anew, 1.1.1.3 : jump anew',
    );
    for (const flags of ['flags dynamic;', 'flags dynamic, timeout;']) {
      await using f = await loaded(old.replace('flags dynamic;', flags));
      const desired = await snapshotOf(text('chain anew { comment "b"; };', '1.1.1.2 : jump anew, 1.1.1.4 : drop', flags));
      const report = await f.nft.sync(desired);
      assert.deepEqual(report.elements, { added: 2, removed: 3, refreshed: 0, kept: 1 });
      assert.deepEqual([...listed(f).matchAll(/(\S+) : (?:jump|drop)/g)].map(([, key]) => key).sort(), ['1.1.1.2', '1.1.1.4', '2.2.2.2']);
      assert.ok((await f.nft.plan(desired)).empty);
    }
  });

  it('an element that expires before its deletion arrives is no failure', async () => {
    await using f = await loaded(
      'table ip t { set s { type ipv4_addr; flags timeout; elements = { 1.1.1.1 timeout 300ms, 1.1.1.2 timeout 1h } }; }\n',
    );
    const plan = await f.nft.plan(await snapshotOf('table ip t { set s { type ipv4_addr; flags timeout; }; }\n'));
    assert.equal(plan.elements.removed, 2);
    await wait(400);
    assert.equal((await plan.apply()).retries, 0);
    assert.doesNotMatch(listed(f), /elements/);
  });
});

describe('others write too', () => {
  it('a commit between plan and apply makes the plan anew', async () => {
    await using f = await loaded(chain(['accept']));
    const desired = await snapshotOf(chain(['accept', 'drop']));
    const plan = await f.nft.plan(desired);
    f.must('nft', ['insert', 'rule', 'ip', 't', 'c', 'counter']);
    f.must('nft', ['add', 'table', 'ip', 'other']);
    const report = await plan.apply();
    assert.deepEqual([report.added, report.removed, report.kept, report.retries], [1, 1, 1, 1]);
    assert.match(listed(f), /table ip other/);
    // A plan without changes is no promise.
    const none = await f.nft.plan(desired);
    assert.ok(none.empty);
    f.must('nft', ['flush', 'chain', 'ip', 't', 'c']);
    assert.equal((await none.apply()).added, 2);
  });
});

describe('while others write all the time', () => {
  it('the scope ends as desired, and nothing of theirs is lost', async () => {
    await using f = await loaded('table ip t { chain c { accept; }; set s { type mark; }; }\n');
    const wanted = await Promise.all(
      ['accept; drop; }; set s { type mark; elements = { 1 }', 'drop; accept; }; set s { type mark; elements = { 2, 3 }'].map((body) =>
        snapshotOf(`table ip t { chain c { ${body} }; }\n`),
      ),
    );
    const theirs = f.ns.run('bash', ['-c', 'for i in $(seq 30); do nft add table ip other$i; nft add rule ip t c counter; done']);
    let over = false;
    void theirs.then(() => {
      over = true;
    });
    let i = 0;
    for (; !over; i++) {
      await f.nft.sync(wanted[i % 2]);
      // nft begins again with every commit of others: it shall get on.
      await wait(5);
    }
    assert.equal((await theirs).code, 0);
    await f.nft.sync(wanted[i % 2]);
    assert.ok((await f.nft.plan(wanted[i % 2])).empty);
    assert.equal(Object.keys(listedTables(f.ns)).length, 31);
  });
});

describe('refused, and all is as it was', () => {
  it('what is no snapshot, no scope, no rule', async () => {
    await using f = await loaded(chain(['accept']));
    const before = f.listing();
    const desired = JSON.parse(JSON.stringify(await f.nft.snapshot())) as {
      tables: { chains: { rules: { expressions: unknown[] }[] }[] }[];
    };
    const wrong = structuredClone(desired);
    wrong.tables[0]?.chains[0]?.rules.push({ expressions: [{ type: 'cmp', sreg: 1, op: '==', data: 5 }] });
    for (const [call, text] of [
      [() => f.nft.sync(wrong), /rule 2 of chain c in table ip t: expressions\[0\]\.data/],
      [() => f.nft.sync({}), /snapshot\.tables is no list/],
      [() => f.nft.sync({ tables: [...desired.tables, ...desired.tables] }), /table ip t twice/],
      [() => f.nft.sync(desired, { tables: 'x' as never }), /scope\.tables/],
      [() => f.nft.sync(desired, { tables: [{ family: 'ipx' as never, name: 't' }] }), /unknown family/],
      [() => f.nft.sync(desired, { chains: [/x/] as never }), /scope\.chains/],
      [() => f.nft.planSync(f.nft.snapshotSync({ elements: false })), /without elements/],
    ] as const) {
      const failure = await failureOf(call);
      assert.equal(failure.code, 'ERR_INVALID_ARG');
      assert.match(failure.message, text);
    }
    assert.equal(f.listing(), before);
  });

  it('what the kernel does not take, naming the operation', async () => {
    await using f = await loaded(chain(['accept']));
    const before = f.listing();
    const desired = JSON.parse(JSON.stringify(await f.nft.snapshot())) as {
      tables: { chains: { rules: { expressions: unknown[] }[] }[] }[];
    };
    desired.tables[0]?.chains[0]?.rules.push({ expressions: [{ type: 'immediate', dreg: 0, data: { verdict: 'jump', chain: 'none' } }] });
    const failure = await failureOf(() => f.nft.sync(desired));
    assert.equal(failure.code, 'ENOENT');
    assert.match(failure.message, /operation 0 \(sync rule ip t c\) at expressions\[0\]/);
    assert.deepEqual(failure.operation?.object, { rule: { family: 'ip', table: 't', chain: 'c', index: 1 } });
    assert.equal(f.listing(), before);
  });
});
