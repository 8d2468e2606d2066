// Transactions: each of their operations, check, commit, what a failure names, and how often one can be sent.
import assert from 'node:assert/strict';
import { NetfilterError } from '../../lib/index.ts';
import { type Commits, commitsOf } from './forms.ts';
import { conformance, type Host } from './grid.ts';

const given =
  '*filter\n:INPUT DROP [7:8]\n:OLD - [0:0]\n:USER - [0:0]\n:GONE - [0:0]\n-A USER -j LOG\n-A USER -p tcp -j ACCEPT\n-A USER -p udp -j ACCEPT\n-A INPUT -j OLD\nCOMMIT\n';

type Transaction = ReturnType<Host['iptables']['transaction']>;

function begin(h: Host, table = 'filter'): [tx: Transaction, run: Commits] {
  const tx = h.iptables.transaction(table);
  return [tx, commitsOf(tx, h.cell.form)];
}

async function rejection(promise: Promise<unknown>): Promise<NetfilterError> {
  try {
    await promise;
  } catch (err) {
    assert.ok(err instanceof NetfilterError, String(err));
    return err;
  }
  throw new assert.AssertionError({ message: 'it was taken' });
}

conformance('transactions', (it) => {
  it('every operation, one after the other against the table as it becomes', async (h) => {
    await h.given(given);
    const [tx, run] = begin(h);
    const operations = [
      tx.insert('USER', 2, '-p sctp -j ACCEPT'),
      tx.replace('USER', 1, '-j LOG --log-prefix changed'),
      tx.delete('USER', '-p udp -j ACCEPT'),
      tx.append('USER', '-j DROP'),
      tx.insert('USER', 1, ['-s', h.ip(1), '-j', 'RETURN']),
      tx.replace('USER', 1, ['-s', h.ip(2), '-j', 'RETURN']),
      tx.deleteAt('USER', 4),
      tx.newChain('NEW'),
      tx.append('NEW', '-j USER'),
      tx.renameChain('OLD', 'RENAMED'),
      tx.append('RENAMED', '-g NEW'),
      tx.flushChain('RENAMED'),
      tx.deleteChain('GONE'),
      tx.setPolicy('FORWARD', 'DROP', { packets: 5n, bytes: 6n }),
      tx.setPolicy('OUTPUT', 'DROP'),
    ];
    assert.deepEqual(
      operations.map((op) => op.index),
      operations.map((_, i) => i),
    );
    const result = await run.commit();
    for (const command of [
      ['-I', 'USER', '2', '-p', 'sctp', '-j', 'ACCEPT'],
      ['-R', 'USER', '1', '-j', 'LOG', '--log-prefix', 'changed'],
      ['-D', 'USER', '-p', 'udp', '-j', 'ACCEPT'],
      ['-A', 'USER', '-j', 'DROP'],
      ['-I', 'USER', '-s', h.ip(2), '-j', 'RETURN'],
      ['-D', 'USER', '4'],
      ['-N', 'NEW'],
      ['-A', 'NEW', '-j', 'USER'],
      ['-E', 'OLD', 'RENAMED'],
      ['-X', 'GONE'],
      ['-P', 'OUTPUT', 'DROP'],
    ])
      await h.real(...command);
    await h.programs.restore(h.twin, '*filter\n:FORWARD DROP [5:6]\nCOMMIT\n', '-n', '-c');
    await h.same();
    const handle = (await h.ipt.list('filter', 'USER'))[3]?.handle;
    assert.equal(handle !== undefined, h.differs('rules have handles'));
    assert.equal(result.handle({ index: 3 }), handle);
    assert.equal(result.generation !== undefined, h.differs('a commit has a generation'));
  });

  it('flushChain without a chain empties all of them', async (h) => {
    await h.given(given);
    const [tx, run] = begin(h);
    tx.flushChain();
    tx.append('USER', '-j RETURN');
    await h.as(run.commit(), ['-F'], ['-A', 'USER', '-j', 'RETURN']);
  });

  it('numbers and texts mean the chain as it has become', async (h) => {
    const [tx, run] = begin(h);
    tx.newChain('X');
    for (const n of [1, 2, 3]) tx.insert('X', n, ['-s', h.ip(n)]);
    tx.delete('X', ['-s', h.ip(2)]);
    tx.insert('X', 2, ['-s', h.ip(4)]);
    tx.replace('X', 3, ['-s', h.ip(5)]);
    tx.deleteAt('X', 1);
    await run.commit();
    assert.deepEqual(await h.rules('filter'), [`-A X -s ${h.host(4)}`, `-A X -s ${h.host(5)}`]);
  });

  it('a chain deleted and made again, renamed and jumped to, in one', async (h) => {
    await h.given(given);
    const [tx, run] = begin(h);
    tx.deleteChain('GONE');
    tx.newChain('GONE');
    tx.append('GONE', '-j DROP');
    tx.newChain('A');
    tx.append('A', '-j GONE');
    tx.renameChain('A', 'B');
    tx.append('OUTPUT', '-j B');
    await h.as(
      run.commit(),
      ...[
        ['-A', 'GONE', '-j', 'DROP'],
        ['-N', 'B'],
        ['-A', 'B', '-j', 'GONE'],
        ['-A', 'OUTPUT', '-j', 'B'],
      ],
    );
  });

  it('all or nothing: a failure names the operation by its number', async (h) => {
    await h.given(given);
    const failing: readonly (readonly [code: string, verb: string, (tx: Transaction) => unknown])[] = [
      ['ENOENT', 'append', (tx) => tx.append('NOPE', '-j DROP')],
      ['ENOENT', 'append', (tx) => tx.append('USER', '-j NOPE')],
      ['ENOENT', 'insert', (tx) => tx.insert('NOPE', 1, '-j DROP')],
      ['ENOENT', 'insert', (tx) => tx.insert('NOPE', 2, '-j DROP')],
      ['ENOENT', 'replace', (tx) => tx.replace('NOPE', 1, '-j DROP')],
      ['ENOENT', 'delete', (tx) => tx.delete('NOPE', '-j DROP')],
      ['ENOENT', 'delete', (tx) => tx.delete('USER', '-j DROP')],
      ['ENOENT', 'deleteAt', (tx) => tx.deleteAt('NOPE', 1)],
      ['ENOENT', 'flushChain', (tx) => tx.flushChain('NOPE')],
      ['ENOENT', 'deleteChain', (tx) => tx.deleteChain('NOPE')],
      ['ENOENT', 'renameChain', (tx) => tx.renameChain('NOPE', 'OTHER')],
      ['E2BIG', 'insert', (tx) => tx.insert('USER', 9, '-j DROP')],
      ['E2BIG', 'replace', (tx) => tx.replace('USER', 9, '-j DROP')],
      ['E2BIG', 'deleteAt', (tx) => tx.deleteAt('USER', 9)],
      ['EEXIST', 'newChain', (tx) => tx.newChain('USER')],
      ['EEXIST', 'newChain', (tx) => tx.newChain('INPUT')],
      ['EEXIST', 'renameChain', (tx) => tx.renameChain('USER', 'OLD')],
      ['EBUSY', 'deleteChain', (tx) => tx.deleteChain('USER')],
      ['EBUSY', 'deleteChain', (tx) => tx.deleteChain('OLD')],
      ['ERR_INVALID_ARG', 'setPolicy', (tx) => tx.setPolicy('USER', 'DROP')],
    ];
    const before = await h.state();
    for (const [code, verb, push] of failing) {
      for (const form of ['check', 'commit'] as const) {
        const [tx, run] = begin(h);
        tx.append('OUTPUT', '-j DROP');
        push(tx);
        tx.append('OUTPUT', '-j ACCEPT');
        const err = await rejection(run[form]());
        assert.deepEqual([err.code, err.outcome, err.operation?.index, err.operation?.verb], [code, 'not-applied', 1, verb], err.message);
      }
    }
    assert.deepEqual(await h.state(), before);
  });

  it('every operation that fails is named where the kernel says so', async (h) => {
    const [tx, run] = begin(h);
    tx.append('NOPE', '-j DROP');
    tx.append('INPUT', '-j DROP');
    tx.append('OUTPUT', '-j NOPE');
    const err = await rejection(run.commit());
    assert.deepEqual(
      err.failures.map((f) => f.operation?.index),
      h.differs('operations 0 and 2 of three fail: named are'),
    );
    assert.equal((await h.state()).size, 0);
  });

  it('what only the kernel refuses: check', async (h) => {
    const [tx, run] = begin(h);
    tx.append('INPUT', '-p tcp -j TPROXY --on-port 80');
    if (h.differs('check asks the kernel')) assert.equal((await rejection(run.check())).code, 'EINVAL');
    else await run.check();
    assert.equal((await rejection(run.commit())).code, 'EINVAL');
    assert.equal((await h.state()).size, 0);
  });

  it('of several operations the kernel refuses one: which', async (h) => {
    const [tx, run] = begin(h);
    tx.append('OUTPUT', '-j DROP');
    tx.append('INPUT', '-p tcp -j TPROXY --on-port 80');
    const err = await rejection(run.commit());
    assert.deepEqual([err.code, err.outcome], ['EINVAL', 'not-applied']);
    assert.equal(err.operation?.index, h.differs('the kernel refuses operation 1 of two: named is'));
    assert.equal((await h.state()).size, 0);
  });

  it('check changes nothing and leaves the transaction open', async (h) => {
    const [tx, run] = begin(h, 'mangle');
    tx.newChain('X');
    tx.append('PREROUTING', '-j X');
    await run.check();
    await run.check();
    assert.equal((await h.state()).size, 0);
    tx.append('X', '-j RETURN');
    await h.as(
      run.commit(),
      ['-t', 'mangle', '-N', 'X'],
      ['-t', 'mangle', '-A', 'PREROUTING', '-j', 'X'],
      [...['-t', 'mangle', '-A', 'X', '-j', 'RETURN']],
    );
  });

  it('is sent once: applied or refused by the kernel, it is done', async (h) => {
    const done = { code: 'ERR_TRANSACTION_DONE', outcome: 'not-applied', message: /already sent/ };
    for (const text of ['-j RETURN', '-p tcp -j TPROXY --on-port 80']) {
      const [tx, run] = begin(h);
      tx.append('INPUT', text);
      if (text.includes('TPROXY')) assert.equal((await rejection(run.commit())).code, 'EINVAL');
      else await run.commit();
      await assert.rejects(run.commit(), done);
      await assert.rejects(run.check(), done);
      assert.throws(() => tx.append('INPUT', '-j DROP'), done);
    }
    await h.real('-A', 'INPUT', '-j', 'RETURN');
    await h.same();
  });

  it('what is known before sending leaves it open', async (h) => {
    const [tx, run] = begin(h);
    tx.append('INPUT', '-j DROP');
    tx.deleteAt('FORWARD', 9);
    for (let i = 0; i < 2; i++) assert.equal((await rejection(run.commit())).code, 'E2BIG');
    await h.real('-A', 'FORWARD', '-j', 'DROP');
    assert.equal((await h.state()).size, 0);
  });

  it('an empty one is taken, and nothing is made', async (h) => {
    const [, run] = begin(h);
    await run.check();
    await run.commit();
    await assert.rejects(run.commit(), { code: 'ERR_TRANSACTION_DONE' });
    assert.equal((await h.state()).size, 0);
  });

  it('bad input is refused where it is written, and no operation', async (h) => {
    const [tx, run] = begin(h);
    const invalid = { code: 'ERR_INVALID_ARG' };
    assert.throws(() => h.iptables.transaction('filtre'), invalid);
    for (const number of [0, -1, 0.5]) {
      assert.throws(() => tx.insert('INPUT', number, '-j DROP'), invalid);
      assert.throws(() => tx.replace('INPUT', number, '-j DROP'), invalid);
      assert.throws(() => tx.deleteAt('INPUT', number), invalid);
    }
    assert.throws(() => tx.append('INPUT', `-s ${h.ip(1)},${h.ip(2)}`), invalid);
    assert.throws(() => tx.append('INPUT', '-j DROP --nope'), { code: 'ERR_RULE_SYNTAX', word: '--nope' });
    assert.throws(() => tx.append('a b', '-j DROP'), invalid);
    assert.throws(() => tx.newChain('ACCEPT'), invalid);
    assert.throws(() => tx.renameChain('X', 'LOG'), invalid);
    assert.throws(() => tx.setPolicy('INPUT', 'REJECT' as 'DROP'), invalid);
    for (const counter of [
      { packets: 2n ** 64n, bytes: 0n },
      { packets: -1n, bytes: 0n },
      { packets: 5 },
      {},
      'x',
      null,
      { packets: 0n, bytes: 0.5 },
    ])
      assert.throws(() => tx.setPolicy('INPUT', 'DROP', counter as never), { ...invalid, message: /counter of a policy/ }, String(counter));
    assert.equal(tx.append('INPUT', '-j DROP').index, 0);
    await h.as(run.commit(), ['-A', 'INPUT', '-j', 'DROP']);
  });
});
