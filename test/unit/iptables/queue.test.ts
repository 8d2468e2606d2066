// When a queue sends, what it sends together, and who learns of what: with a backend that does what the test says. No time is measured.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { Connection, Listener } from '../../../lib/connection.ts';
import { EINVAL, EMSGSIZE, EPERM, ERESTART } from '../../../lib/errno.ts';
import { closedError, NetfilterError, type Outcome } from '../../../lib/errors.ts';
import type { Applied, CommitSettings, IptablesBackend } from '../../../lib/iptables/backend.ts';
import { commandError, operationOf } from '../../../lib/iptables/command-error.ts';
import type { Command, TableCommands } from '../../../lib/iptables/commands.ts';
import { Queue, type QueueOptions } from '../../../lib/iptables/queue.ts';
import { runAsync, step, type Verb } from '../../../lib/run.ts';

/** A connection whose turn comes when the one before is done. */
class FakeConnection {
  readonly listeners = new Set<Listener>();
  closed = false;
  #turn: Promise<unknown> = Promise.resolve();
  listen(_: string, listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  async runAsync<T>(what: string, verb: () => Verb<T>): Promise<T> {
    if (this.closed) throw closedError(what);
    const run = this.#turn.then(() => runAsync(verb()));
    this.#turn = run.catch(() => {});
    return await run;
  }
  close(): void {
    this.closed = true;
    for (const listener of this.listeners) listener.connectionClosed();
  }
}

interface Commit {
  /** `A in filter: 1` */
  readonly said: readonly string[];
  readonly work: readonly TableCommands[];
  pass(idle?: readonly number[]): void;
  fail(err: unknown): void;
}

/** Commits that wait for the test; or, with `judge`, are answered at once. */
class FakeBackend {
  readonly commits: Commit[] = [];
  learnt = 0;
  judge: ((c: Commit, o: CommitSettings) => void) | undefined;
  unknown: string | undefined;
  #begun: (() => void)[] = [];
  readonly #together: boolean;

  constructor(together: boolean) {
    this.#together = together;
  }
  get backend(): IptablesBackend {
    const fake = {
      name: this.#together ? 'nft' : 'legacy',
      fewerMayPass: (err: NetfilterError) => err.code === 'EMSGSIZE',
      learn: (rules: Iterable<{ readonly source?: unknown }>) => this.#learn(rules),
      commit: (table: string, commands: readonly Command[], o: CommitSettings) => this.#commit([{ table, commands, fresh: false }], o),
    };
    const commitTables = (work: readonly TableCommands[], o: CommitSettings) => this.#commit(work, o);
    return (this.#together ? { ...fake, commitTables } : fake) as unknown as IptablesBackend;
  }
  // biome-ignore lint/correctness/useYield: a verb of no steps
  *#learn(rules: Iterable<{ readonly source?: unknown }>): Verb<void> {
    for (const { source } of rules) {
      this.learnt++;
      if (source === this.unknown) throw new NetfilterError('the kernel has no match', { code: 'ENOENT', errno: 2 });
    }
  }
  *#commit(work: readonly TableCommands[], o: CommitSettings): Verb<Applied> {
    const answer = new Promise<Applied>((resolve, reject) => {
      const commit: Commit = {
        said: work.flatMap((t) => t.commands.map((c) => said(t.table, c))),
        work,
        pass: (idle = []) => resolve({ changes: 0, idle: new Set(idle) }),
        fail: reject,
      };
      this.commits.push(commit);
      this.judge?.(commit, o);
    });
    for (const tell of this.#begun.splice(0)) tell();
    return yield* step({
      sync: () => {
        throw new Error('not here');
      },
      async: async () => await answer,
    });
  }
  /** The nth commit, once it has begun. */
  async commit(n: number): Promise<Commit> {
    for (;;) {
      const found = this.commits[n];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => void this.#begun.push(resolve));
    }
  }
}

function said(table: string, c: Command): string {
  const source = 'rule' in c ? String(c.rule.source) : '';
  const sign = c.verb === 'append' ? '+' : c.verb === 'delete' && c.ifThere === true ? '-?' : '-';
  return `${table} ${c.chain} ${sign}${source.replace(/^10\.0\.0\.(\d+)\/32$/, '$1')}`;
}

const rule = (n: number | string): string => `-s ${String(n).replace(/\d+/g, '10.0.0.$&')} -j ACCEPT`;
function start(o: QueueOptions = {}, together = true) {
  const connection = new FakeConnection();
  const fake = new FakeBackend(together);
  const queue = new Queue(connection as unknown as Connection, fake.backend, 'ip', o);
  const append = (n: number | string, table = 'filter'): Promise<void> => queue.append(table, 'INPUT', rule(n));
  const remove = (n: number | string, table = 'filter'): Promise<void> => queue.delete(table, 'INPUT', rule(n));
  return { connection, fake, queue, append, remove };
}
const codes = async (calls: readonly Promise<void>[]): Promise<string[]> =>
  (await Promise.allSettled(calls)).map((r) => (r.status === 'fulfilled' ? 'done' : (r.reason as { code: string }).code));
const error = (code: string, errno: number, outcome: Outcome = 'not-applied'): NetfilterError =>
  new NetfilterError(`commit: ${code}`, { code, errno, outcome });
/** What the kernel says of the command with that number; `path`: it names the attribute. */
function refusal(work: readonly TableCommands[], index: number, path?: string): NetfilterError {
  const all = work.flatMap((t) => t.commands.map((c) => ({ table: t.table, c })));
  const { table, c } = all[index] as { table: string; c: Command };
  return new NetfilterError(`commit: operation ${index} (append rule): no; nothing was applied`, {
    code: 'EINVAL',
    errno: EINVAL,
    operation: { ...operationOf('ip', table, index, c), ...(path === undefined ? {} : { path }) },
  });
}
function refusals(...failures: readonly NetfilterError[]): NetfilterError {
  const [first] = failures as [NetfilterError];
  const message = `${first.message} (and ${failures.length - 1} more)`;
  return new NetfilterError(message, { code: first.code, errno: -first.errno, operation: first.operation as never, failures });
}

test('calls of one turn are one commit, in their order; those made meanwhile are the next', async () => {
  const { fake, append, remove } = start();
  const first = [append(1), remove(1), append(1), append(2)];
  const commit = await fake.commit(0);
  assert.deepEqual(commit.said, ['filter INPUT +1', 'filter INPUT -?1', 'filter INPUT +1', 'filter INPUT +2']);
  const second = [append(3), append(4)];
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(fake.commits.length, 1, 'one at a time');
  commit.pass();
  assert.deepEqual(await codes(first), ['done', 'done', 'done', 'done']);
  const next = await fake.commit(1);
  assert.deepEqual(next.said, ['filter INPUT +3', 'filter INPUT +4']);
  next.pass();
  assert.deepEqual(await codes(second), ['done', 'done']);
});

test('a full batch is sent without waiting, and no commit has more', async () => {
  const { fake, append } = start({ maxDelayMs: 0x7fffffff, maxBatch: 3 });
  const calls = [1, 2, 3, 4, 5, 6, 7].map((n) => append(n));
  for (const n of [0, 1]) {
    const commit = await fake.commit(n);
    assert.equal(commit.said.length, 3);
    commit.pass();
  }
  // The seventh has waited for two of them.
  const last = await fake.commit(2);
  assert.deepEqual(last.said, ['filter INPUT +7']);
  last.pass();
  assert.deepEqual(await codes(calls), Array<string>(7).fill('done'));
});

test('without a delay the next turn of the event loop sends', async () => {
  const { fake, append } = start({ maxDelayMs: 0 });
  const calls = [append(1), append(2)];
  await Promise.resolve();
  assert.equal(fake.commits.length, 0);
  await new Promise((resolve) => setImmediate(resolve));
  const commit = await fake.commit(0);
  assert.equal(commit.said.length, 2);
  commit.pass();
  await Promise.all(calls);
});

test('calls wait for the connection’s turn, and who calls until then is in the same commit', async () => {
  const { connection, fake, queue, append } = start();
  let release = (): void => {};
  const other = connection.runAsync('other', () =>
    step({ sync: () => {}, async: () => new Promise<void>((resolve) => void (release = resolve)) }),
  );
  const calls = [append(1)];
  const flushed = queue.flush();
  await new Promise((resolve) => setImmediate(resolve));
  calls.push(append(2));
  release();
  await other;
  const commit = await fake.commit(0);
  assert.equal(commit.said.length, 2);
  commit.pass();
  await Promise.all([...calls, flushed]);
});

test('tables are one commit where the backend can, and one each where it cannot', async () => {
  for (const together of [true, false]) {
    const { fake, append } = start({}, together);
    fake.judge = (c) => c.pass();
    await Promise.all([append(1), append(2, 'mangle'), append(3), append(4, 'mangle')]);
    const filter = ['filter INPUT +1', 'filter INPUT +3'];
    const mangle = ['mangle INPUT +2', 'mangle INPUT +4'];
    assert.deepEqual(
      fake.commits.map((c) => c.said),
      together ? [[...filter, ...mangle]] : [filter, mangle],
    );
  }
});

test('bad input rejects at once and is not sent', async () => {
  const { fake, queue, append } = start();
  const bad = [
    queue.append('filter', 'INPUT', '--nonsense'),
    queue.append('filter', '', '-j ACCEPT'),
    queue.append('what', 'INPUT', '-j ACCEPT'),
    queue.append('nat', 'POSTROUTING', '-j DROP'),
    queue.delete('filter', 'INPUT', 7 as never),
  ];
  const wanted = ['ERR_RULE_SYNTAX', 'ERR_INVALID_ARG', 'ERR_INVALID_ARG', 'ERR_INVALID_ARG', 'ERR_INVALID_ARG'];
  assert.deepEqual(await codes(bad), wanted);
  assert.equal(fake.commits.length, 0);
  fake.judge = (c) => c.pass();
  await append(1);
  assert.deepEqual(
    fake.commits.map((c) => c.said),
    [['filter INPUT +1']],
  );
});

test('what a delete does not find is ENOENT for its caller, and costs no other commit', async () => {
  const { fake, append, remove } = start();
  fake.judge = (c) => c.pass([1, 2]);
  const calls = [append(1), remove(2), remove(3), remove(4)];
  assert.deepEqual(await codes(calls), ['done', 'ENOENT', 'ENOENT', 'done']);
  assert.equal(fake.commits.length, 1);
  await assert.rejects(calls[2] as Promise<void>, (err: NetfilterError) => {
    assert.match(err.message, /^operation 0 \(delete in filter INPUT\): no such rule/);
    assert.deepEqual([err.operation?.index, err.operation?.verb], [0, 'delete']);
    assert.match(JSON.stringify(err.operation?.object), /10\.0\.0\.3/);
    return true;
  });
});

test('every call that the kernel names an attribute of is taken out, and the rest is sent once more', async () => {
  const { fake, append } = start();
  fake.judge = ({ work, said, fail, pass }) =>
    said.length === 6 ? fail(refusals(refusal(work, 1, 'chain'), refusal(work, 4, 'expressions[0]'))) : pass();
  const calls = [1, 2, 3, 4, 5, 6].map((n) => append(n));
  assert.deepEqual(await codes(calls), ['done', 'EINVAL', 'done', 'done', 'EINVAL', 'done']);
  assert.deepEqual(
    fake.commits[1]?.said,
    [1, 3, 4, 6].map((n) => `filter INPUT +${n}`),
  );
  assert.equal(fake.commits.length, 2);
  await assert.rejects(calls[4] as Promise<void>, (err: NetfilterError) => {
    assert.equal(err.message, 'commit: operation 0 (append rule): no; nothing was applied');
    assert.deepEqual([err.operation?.index, err.operation?.path, err.failures.length], [0, 'expressions[0]', 1]);
    return true;
  });
});

test('of refusals without an attribute the first alone is believed: it makes the kernel refuse those after it', async () => {
  const { fake, append } = start();
  // 2 and 4 are refused for what the table would come to, and with each of them all that comes after.
  fake.judge = ({ work, said, fail, pass }) => {
    const first = said.findIndex((text) => /\+[24]$/.test(text));
    if (first < 0) pass();
    else fail(refusals(...said.slice(first).map((_, i) => refusal(work, first + i))));
  };
  assert.deepEqual(await codes([1, 2, 3, 4, 5].map((n) => append(n))), ['done', 'EINVAL', 'done', 'EINVAL', 'done']);
  assert.equal(fake.commits.length, 3);
});

test('a delete that failed beside an append is tried again: the rule may have been the one that was refused', async () => {
  const { fake, append, remove } = start();
  fake.judge = ({ work, said, fail, pass }) =>
    said.length === 3 ? fail(refusals(refusal(work, 0, 'chain'), refusal(work, 2, 'id'))) : pass([1]);
  assert.deepEqual(await codes([append(1), append(2), remove(1)]), ['EINVAL', 'done', 'ENOENT']);
  assert.deepEqual(fake.commits[1]?.said, ['filter INPUT +2', 'filter INPUT -?1']);
});

test('a list of addresses is one call: all of it or none', async () => {
  const { fake, append, remove } = start();
  fake.judge = ({ work, said, fail, pass }) => (said.length > 4 ? fail(refusal(work, 2, 'chain')) : pass());
  assert.deepEqual(await codes([append(1), append('2,3'), remove('4,5')]), ['done', 'EINVAL', 'done']);
  // Deleted all or none, they are not conditional.
  assert.deepEqual(
    fake.commits.map((c) => c.said),
    [
      ['filter INPUT +1', 'filter INPUT +2', 'filter INPUT +3', 'filter INPUT -4', 'filter INPUT -5'],
      ['filter INPUT +1', 'filter INPUT -4', 'filter INPUT -5'],
    ],
  );
});

test('a refusal that names no command halves the batch until the guilty are alone, in order', async () => {
  const { fake, append } = start();
  const applied: string[] = [];
  fake.judge = ({ said, fail, pass }) => {
    if (said.some((text) => /\+(3|7)$/.test(text))) return fail(error('EMSGSIZE', EMSGSIZE));
    applied.push(...said);
    pass();
  };
  const calls = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => append(n));
  assert.deepEqual(await codes(calls), ['done', 'done', 'EMSGSIZE', 'done', 'done', 'done', 'EMSGSIZE', 'done']);
  assert.deepEqual(
    applied,
    [1, 2, 4, 5, 6, 8].map((n) => `filter INPUT +${n}`),
  );
  await assert.rejects(calls[6] as Promise<void>, { message: /^append in filter INPUT: commit: EMSGSIZE/ });
});

test('where all are refused, there are at most twice as many commits as calls', async () => {
  const { fake, append } = start();
  fake.judge = ({ fail }) => fail(error('EMSGSIZE', EMSGSIZE));
  assert.deepEqual(new Set(await codes(Array.from({ length: 100 }, (_, i) => append(i)))), new Set(['EMSGSIZE']));
  assert.ok(fake.commits.length <= 200, `${fake.commits.length} commits`);
});

test('what no call can help goes to all of them, each in words of its own', async () => {
  for (const [code, outcome] of [
    ['EPERM', 'not-applied'],
    ['ENOBUFS', 'unknown'],
    ['EINVAL', 'applied'],
  ] as const) {
    const { fake, append, remove } = start();
    fake.judge = ({ fail }) => fail(error(code, EPERM, outcome));
    const calls = [append(1), remove(2), append(3, 'mangle')];
    assert.deepEqual(await codes(calls), [code, code, code]);
    assert.equal(fake.commits.length, 1, 'and nothing is tried again');
    for (const [i, [verb, table]] of [
      ['append', 'filter'],
      ['delete', 'filter'],
      ['append', 'mangle'],
    ].entries()) {
      await assert.rejects(calls[i] as Promise<void>, (err: NetfilterError) => {
        assert.ok(err.message.startsWith(`${verb} in ${table} INPUT: `), err.message);
        assert.deepEqual([err.outcome, err.operation?.index, err.operation?.verb], [outcome, 0, verb]);
        assert.ok(JSON.stringify(err.operation?.object).includes(`10.0.0.${i + 1}`));
        return true;
      });
    }
  }
});

test('a commit that others do not let through is begun anew, and not for ever', async () => {
  for (const refused of [9, 1000]) {
    const { fake, append } = start();
    fake.judge = ({ fail, pass }) => (fake.commits.length <= refused ? fail(error('ERESTART', ERESTART)) : pass());
    const wanted = refused < 10 ? 'done' : 'ERESTART';
    assert.deepEqual(await codes([append(1), append(2)]), [wanted, wanted]);
    assert.equal(fake.commits.length, 10);
  }
});

test('an error that is none of the kernel’s is found out by halves before the bytes are sent, and never after', async () => {
  for (const sends of [false, true]) {
    const { fake, append } = start();
    fake.judge = ({ said, fail, pass }, o) => {
      if (sends) o.sending?.();
      if (said.includes('filter INPUT +2')) fail(new TypeError('odd'));
      else pass();
    };
    const results = await Promise.allSettled([append(1), append(2), append(3)]);
    const statuses = results.map((r) => r.status);
    assert.deepEqual(statuses, sends ? ['rejected', 'rejected', 'rejected'] : ['fulfilled', 'rejected', 'fulfilled']);
  }
});

test('an extension that the kernel does not have fails its caller alone', async () => {
  const { fake, append } = start();
  fake.unknown = '10.0.0.2/32';
  fake.judge = (c) => c.pass();
  const calls = [append(1), append(2), append(3)];
  assert.deepEqual(await codes(calls), ['done', 'ENOENT', 'done']);
  await assert.rejects(calls[1] as Promise<void>, { message: 'append in filter INPUT: the kernel has no match' });
  assert.equal(fake.commits.length, 1);
});

test('one call alone is what the verb of its own would be', async () => {
  const { fake, remove } = start();
  const own = commandError('ip', 'filter', 0, { verb: 'deleteChain', chain: 'INPUT' }, 'no', 'ENOENT', 2);
  fake.judge = (c) => c.fail(own);
  await assert.rejects(remove(1), (err) => err === own);
  assert.deepEqual(fake.commits[0]?.said, ['filter INPUT -1'], 'and not conditional');
});

test('flush sends at once and waits for all so far, whatever becomes of them', async () => {
  const { fake, queue, append } = start({ maxDelayMs: 0x7fffffff, maxBatch: 2 });
  await queue.flush();
  fake.judge = ({ work, said, fail, pass }) => (said.includes('filter INPUT +1') ? fail(refusal(work, 0, 'chain')) : pass());
  const outcomes: string[] = [];
  const note = (call: Promise<void>): Promise<unknown> =>
    call.then(
      () => outcomes.push('done'),
      () => outcomes.push('failed'),
    );
  for (const n of [1, 2, 3]) void note(append(n));
  await queue.flush();
  assert.deepEqual(outcomes.sort(), ['done', 'done', 'failed']);
});

test('close flushes; then calls are refused; a second close is the first', async () => {
  const { connection, fake, queue, append } = start({ maxDelayMs: 0x7fffffff });
  fake.judge = (c) => c.pass();
  const call = append(1);
  const closed = Promise.all([queue.close(), queue.close()]);
  await assert.rejects(append(2), { code: 'ERR_CLOSED', message: 'append: the queue is closed' });
  await closed;
  await call;
  assert.equal(fake.commits.length, 1);
  assert.equal(connection.listeners.size, 0);
  await queue.close();
});

test('with the connection closed who waits is told, who is being committed gets the answer', async () => {
  const { connection, fake, queue, append } = start();
  const inFlight = append(1);
  const commit = await fake.commit(0);
  const waiting = [append(2), append(3)];
  connection.close();
  assert.deepEqual(await codes(waiting), ['ERR_CLOSED', 'ERR_CLOSED']);
  await assert.rejects(waiting[0] as Promise<void>, { message: /^append in filter INPUT: .* closed/ });
  await assert.rejects(append(4), { code: 'ERR_CLOSED' });
  commit.pass();
  await inFlight;
  await Promise.all([queue.flush(), queue.close()]);
  assert.equal(fake.commits.length, 1);
});

test('a connection that closes between two commits of a batch: those of the second are told', async () => {
  const { connection, fake, append } = start();
  fake.judge = ({ work, said, fail }) => {
    if (said.length === 3) return fail(refusal(work, 0, 'chain'));
    connection.close();
    fail(closedError('commit'));
  };
  assert.deepEqual(await codes([append(1), append(2), append(3)]), ['EINVAL', 'ERR_CLOSED', 'ERR_CLOSED']);
});

test('an abort takes a waiting call out, and comes too late for one that is being committed', async () => {
  const { fake, queue, append } = start();
  const aborting = new AbortController();
  const call = (n: number, o = { signal: aborting.signal }): Promise<void> => queue.append('filter', 'INPUT', rule(n), o);
  const first = call(1);
  const commit = await fake.commit(0);
  const calls = [call(2), append(3), call(4)];
  aborting.abort(new Error('enough'));
  await assert.rejects(calls[0] as Promise<void>, { message: 'enough' });
  await assert.rejects(calls[2] as Promise<void>, { message: 'enough' });
  await assert.rejects(call(5), { message: 'enough' });
  commit.pass();
  await first;
  const second = await fake.commit(1);
  assert.deepEqual(second.said, ['filter INPUT +3']);
  second.pass();
  await calls[1];
});

test('many calls may share one signal, and leave nothing on it', async () => {
  const { fake, queue } = start();
  fake.judge = (c) => c.pass();
  const { signal } = new AbortController();
  const warnings: Error[] = [];
  const warned = (w: Error): void => void warnings.push(w);
  process.on('warning', warned);
  await Promise.all(Array.from({ length: 50 }, (_, i) => queue.append('filter', 'INPUT', rule(i), { signal })));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warned);
  assert.deepEqual([warnings, getEventListeners(signal, 'abort')], [[], []]);
});

test('options that are none', () => {
  for (const o of [{ maxDelayMs: -1 }, { maxDelayMs: Number.NaN }, { maxDelayMs: 2 ** 31 }, { maxBatch: 0 }, { maxBatch: 1.5 }]) {
    assert.throws(() => start(o), { code: 'ERR_INVALID_ARG' });
  }
});
