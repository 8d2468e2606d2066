// Reading: list, snapshot, save, counters, and that none of it makes anything.
import assert from 'node:assert/strict';
import { conformance, type Host } from './grid.ts';

const text = (h: Host): string =>
  [
    '*filter',
    ':INPUT DROP [7:8]',
    ':X - [0:0]',
    ':ü - [0:0]',
    `-A INPUT -s ${h.ip(1)} -m comment --comment one -j X`,
    '-A INPUT -p tcp -m tcp --dport 22 -g X',
    '-A X -m comment --comment two -j RETURN',
    'COMMIT',
    '*security',
    '-A OUTPUT -m comment --comment three -j ACCEPT',
    'COMMIT',
    '',
  ].join('\n');

/** A datagram to ourselves, which nobody need take. */
async function send(h: Host): Promise<void> {
  await h.ns.must('bash', ['-c', `echo 12345 >/dev/udp/${h.family === 'ip' ? '127.0.0.1' : '::1'}/9`]);
}

const unstamped = (saved: string): string[] => saved.split('\n').filter((line) => !/^# (Generated|Completed)/.test(line));

conformance('reading', (it) => {
  it('list: as -S prints the rules, of a chain and of a table', async (h) => {
    await h.given(text(h));
    for (const table of ['filter', 'security']) {
      const printed = (await h.programs.must(h.ns, '-t', table, '-S')).split('\n').filter((line) => line.startsWith('-A '));
      assert.deepEqual(
        (await h.ipt.list(table)).map((r) => `-A ${r.chain} ${r}`),
        printed,
      );
    }
    const rules = await h.ipt.list('filter', 'INPUT');
    assert.deepEqual(
      rules.map(({ family, table, chain, index, comment }) => [family, table, chain, index, comment]),
      [
        [h.family, 'filter', 'INPUT', 0, 'one'],
        [h.family, 'filter', 'INPUT', 1, undefined],
      ],
    );
    assert.equal(
      rules.every((r) => r.handle !== undefined),
      h.differs('a rule has a handle'),
    );
    assert.deepEqual(await h.ipt.list('filter', 'ü'), []);
    assert.deepEqual(await h.ipt.list('filter', 'OUTPUT'), []);
  });

  it('save: all tables, in the order of the real program', async (h) => {
    for (const table of ['raw', 'security', 'filter', 'nat', 'mangle']) await h.ipt.append(table, 'OUTPUT', '-j ACCEPT');
    const printed = await h.programs.save(h.ns);
    assert.deepEqual(unstamped(await h.ipt.save()), unstamped(printed));
    const tables = [...printed.matchAll(/^\*(.*)$/gm)].map((found) => found[1]);
    assert.equal(tables.length, 5);
    assert.deepEqual(
      (await h.iptables.snapshot()).tables.map((t) => t.name),
      tables,
    );
  });

  it('list: what is not there', async (h) => {
    for (const table of ['filter', 'nat']) {
      assert.deepEqual(await h.ipt.list(table), []);
      assert.deepEqual(await h.ipt.list(table, 'OUTPUT'), []);
      await h.refuses(() => h.ipt.list(table, 'NOPE'), { code: 'ENOENT', errno: 2, message: /NOPE/ }, ['-t', table, '-S', 'NOPE']);
    }
    await h.given(text(h));
    await h.refuses(() => h.ipt.list('filter', 'NOPE'), { code: 'ENOENT', errno: 2, message: /NOPE/ });
    await h.refuses(() => h.ipt.list('filtre'), { code: 'ERR_INVALID_ARG', errno: 0 }, ['-t', 'filtre', '-S']);
    await h.refuses(() => h.ipt.list('filter', 'a b'), { code: 'ERR_INVALID_ARG', errno: 0 });
  });

  it('save: as the real save, all tables, one, with counters', async (h) => {
    await h.given(text(h));
    const real = async (...args: readonly string[]): Promise<string[]> => unstamped(await h.programs.save(h.ns, ...args));
    const sorted = (lines: readonly string[]): string[] => [...lines].sort();
    // The order of the tables is the kernel's own.
    assert.deepEqual(sorted(unstamped(await h.ipt.save())), sorted(await real()));
    for (const table of ['filter', 'security']) {
      assert.deepEqual(unstamped(await h.ipt.save({ table })), await real('-t', table));
      assert.deepEqual(unstamped(await h.ipt.save({ table, counters: true })), await real('-t', table, '-c'));
    }
    assert.equal(await h.ipt.save({ table: 'mangle' }), '');
    await h.refuses(() => h.ipt.save({ table: 'filtre' }), { code: 'ERR_INVALID_ARG', errno: 0 });
  });

  it('save: nothing where there is nothing', async (h) => {
    assert.equal(await h.ipt.save(), '');
    assert.equal(await h.ipt.save({ table: 'filter', counters: true }), '');
  });

  it('snapshot: tables, chains, policies, references, rules', async (h) => {
    await h.given(text(h));
    const snapshot = await h.ipt.snapshot();
    assert.equal(snapshot.backend, h.backend);
    assert.equal(snapshot.generation !== undefined, h.differs('a snapshot has a generation'));
    assert.deepEqual(snapshot.tables.map((t) => t.name).sort(), ['filter', 'security']);
    const filter = snapshot.table(h.family, 'filter');
    const input = filter?.chain('INPUT');
    assert.deepEqual(
      [input?.type, input?.hook, input?.prio, input?.policy, input?.counter],
      ['filter', 'input', 0, 'drop', { packets: 7n, bytes: 8n }],
    );
    const x = filter?.chain('X');
    assert.deepEqual([x?.hook, x?.policy, x?.counter], [undefined, undefined, undefined]);
    const references = /^Chain X \((\d+) references\)/m.exec(await h.programs.must(h.ns, '-n', '-L', 'X'));
    assert.equal(x?.references, Number(references?.[1]));
    assert.equal(filter?.chain('ü')?.references, 0);
    assert.equal(snapshot.table(h.family, 'security')?.chain('OUTPUT')?.prio, h.differs('the security table hooks at'));
    assert.deepEqual(x?.rules.map(String), ['-m comment --comment two -j RETURN']);
    assert.deepEqual([...snapshot.rules({ comment: /^t/ })].map((r) => [r.table, r.chain, r.comment]).sort(), [
      ['filter', 'X', 'two'],
      ['security', 'OUTPUT', 'three'],
    ]);
    assert.equal([...snapshot.rules({ table: 'filter', chain: 'INPUT' })].length, 2);
    assert.deepEqual([...snapshot.rules({ chain: 'NOPE' })], []);
    assert.equal(snapshot.table(h.family === 'ip' ? 'ip6' : 'ip', 'filter'), undefined);
    JSON.parse(JSON.stringify(snapshot.toJSON()));
    // What was read stays what it was.
    await h.programs.must(h.ns, '-F', 'X');
    assert.equal(x?.rules.length, 1);
    assert.equal((await h.ipt.snapshot({ tables: ['filter'] })).table(h.family, 'filter')?.chain('X')?.rules.length, 0);
  });

  it('snapshot: only the tables asked for', async (h) => {
    await h.given(text(h));
    for (const tables of [['security'], ['security', 'nat'], ['nat'], []]) {
      assert.deepEqual(
        (await h.ipt.snapshot({ tables })).tables.map((t) => t.name),
        tables.filter((name) => name === 'security'),
      );
    }
    await h.refuses(() => h.ipt.snapshot({ tables: ['filtre'] }), { code: 'ERR_INVALID_ARG', errno: 0 });
  });

  it('counters: of everything, a table, a chain; rows are the rules', async (h) => {
    h.ns.up();
    await h.ipt.append('filter', 'OUTPUT', '-p udp -m comment --comment sent');
    await h.ipt.append('filter', 'OUTPUT', '-p tcp -m comment --comment never');
    await h.ipt.append('filter', 'INPUT', '-p udp -m comment --comment received -j DROP');
    await h.ipt.append('mangle', 'OUTPUT', '-p udp -m comment --comment mangled');
    for (let i = 0; i < 3; i++) await send(h);
    const expected = [...(await h.state())].flatMap(([table, lines]) =>
      lines.flatMap((line) => {
        const row = /^\[(\d+):(\d+)\] -A (\S+) .*--comment (\S+)/.exec(line);
        return row === null ? [] : [[table, row[3], row[4], BigInt(row[1] ?? 0), BigInt(row[2] ?? 0)] as const];
      }),
    );
    assert.equal(expected.find((row) => row[2] === 'sent')?.[3], 3n, 'the traffic was counted');
    const before = performance.timeOrigin + performance.now();
    const counters = await h.ipt.counters();
    assert.ok(counters.takenAt >= before && counters.takenAt <= performance.timeOrigin + performance.now());
    const rows = Array.from({ length: counters.length }, (_, i) => {
      const { table, chain, comment } = counters.row(i);
      return [table, chain, comment, counters.packets[i], counters.bytes[i]];
    });
    // In the order of the kernel's dump, which is not that of the save; within a chain they are the same.
    const byTable = (a: readonly unknown[], b: readonly unknown[]): number => `${a[0]} ${a[1]}`.localeCompare(`${b[0]} ${b[1]}`);
    assert.deepEqual(rows.sort(byTable), expected.sort(byTable));
    assert.equal(counters.handles !== undefined, h.differs('counters have handles'));
    assert.deepEqual(
      [(await h.ipt.counters({ table: 'mangle' })).length, (await h.ipt.counters({ table: 'filter', chain: 'OUTPUT' })).length],
      [1, 2],
    );
    const at = counters.indexOf({ comment: 'received' });
    assert.equal(counters.row(at).chain, 'INPUT');
    assert.equal(counters.packets[counters.indexOf({ table: 'filter', chain: 'OUTPUT', comment: 'never' })], 0n);
    assert.deepEqual([counters.indexOf({ comment: 'nobody' }), counters.indexOf({ table: 'nat' })], [-1, -1]);
    assert.deepEqual((await h.ipt.list('mangle', 'OUTPUT'))[0]?.counter, {
      packets: counters.packets[counters.indexOf({ comment: 'mangled' })],
      bytes: counters.bytes[counters.indexOf({ comment: 'mangled' })],
    });
  });

  it('counters: what is not there', async (h) => {
    for (const o of [{}, { table: 'filter' }, { table: 'nat', chain: 'OUTPUT' }]) assert.equal((await h.ipt.counters(o)).length, 0);
    await h.refuses(() => h.ipt.counters({ chain: 'INPUT' }), { code: 'ERR_INVALID_ARG', errno: 0 });
    await h.refuses(() => h.ipt.counters({ table: 'filtre' }), { code: 'ERR_INVALID_ARG', errno: 0 });
    const counters = await h.ipt.counters();
    assert.throws(() => counters.row(0), RangeError);
  });

  it('looking makes no table and no chain', async (h) => {
    const words = '-s 127.0.0.1';
    const rule = h.family === 'ip' ? words : '-s ::1';
    await h.ipt.save();
    await h.ipt.save({ table: 'nat', counters: true });
    await h.ipt.list('filter');
    await h.ipt.list('filter', 'INPUT');
    await h.ipt.listChains('mangle');
    await h.ipt.exists('filter', 'INPUT', rule);
    await h.ipt.snapshot();
    await h.ipt.snapshot({ tables: ['raw'] });
    await h.ipt.counters();
    await h.ipt.counters({ table: 'security', chain: 'INPUT' });
    await h.ipt.deleteIfExists('filter', 'INPUT', rule);
    await h.ipt.deleteIfExists('nat', 'NOPE', rule);
    await assert.rejects(h.ipt.delete('filter', 'INPUT', rule), { code: 'ENOENT' });
    await assert.rejects(h.ipt.deleteAt('filter', 'INPUT', 1), { code: 'E2BIG' });
    await h.ipt.restore('*filter\n-A INPUT -j DROP\nCOMMIT\n', { test: true });
    const tx = h.iptables.transaction('raw');
    tx.newChain('X');
    if (h.cell.form === 'sync') tx.checkSync();
    else await tx.check();
    for (const names of ['ip_tables_names', 'ip6_tables_names']) assert.equal(await h.ns.must('cat', [`/proc/self/net/${names}`]), '');
    assert.equal(await h.ns.must('nft', ['list', 'ruleset']), '');
  });
});
