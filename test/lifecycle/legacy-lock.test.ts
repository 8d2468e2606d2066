// The lock of iptables-legacy: who writes at the same time, who waits how long for whom, and what an end of waiting leaves behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { Iptables } from '../../lib/index.ts';
import { LegacyBackend } from '../../lib/iptables/legacy/backend.ts';
import { parseSaveText } from '../../lib/iptables/save-text.ts';
import { runSync } from '../../lib/run.ts';
import { programOutput } from '../support/child.ts';
import { ownLockFile } from '../support/lock-file.ts';
import { holders, LockHolder } from '../support/lock-holder.ts';
import { cleanEnv, type TestNamespace, withNamespace } from '../support/namespace.ts';
import { failureOf } from '../support/nft.ts';

const lock = ownLockFile();
/** No test waits that long; it fails by the time limit of tests. */
const LONG = 3_600_000;

async function withLegacy(lockTimeoutMs: number, fn: (ipt: Iptables, ns: TestNamespace) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns: ns.path, lockTimeoutMs });
    try {
      await fn(ipt, ns);
    } finally {
      await ipt.close();
    }
  });
}
const rule = (name: string): string => `-m comment --comment ${name} -j ACCEPT`;
/** The comments in the order of the rules, as the real program saves them. */
function comments(ns: TestNamespace): string[] {
  return [...ns.mustSync('iptables-legacy-save', []).matchAll(/--comment (\S+)/g)].map((m) => m[1] as string);
}
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('four real programs and four of ours append at the same time: every rule is there once, each in its own order', async () => {
  await withNamespace(async (ns) => {
    const each = 250;
    const real = ['r0', 'r1', 'r2', 'r3'];
    const ours = [['p0'], ['p1'], ['w0', 'w1']];
    const loop =
      'i=0; while [ $i -lt $1 ]; do iptables-legacy -w -A INPUT -m comment --comment $0-$i -j ACCEPT || exit 1; i=$((i+1)); done';
    await Promise.all([
      ...real.map((name) => ns.must('sh', ['-c', loop, name, String(each)])),
      ...ours.map((names) => programOutput('legacy-appends', [ns.path, String(each), ...names])),
    ]);
    const found = comments(ns);
    assert.equal(found.length, 2000);
    for (const name of [...real, ...ours.flat()]) {
      const own = found.filter((comment) => comment.startsWith(`${name}-`));
      assert.deepEqual(
        own,
        Array.from({ length: each }, (_, i) => `${name}-${i}`),
      );
    }
    // They did write at the same time: nobody's rules stand in one piece.
    const changes = found.filter((comment, i) => i > 0 && comment.split('-')[0] !== found[i - 1]?.split('-')[0]).length;
    assert.ok(changes > 20, `${changes} changes of writer`);
  });
});

for (const sync of [false, true]) {
  const form = sync ? 'sync' : 'async';
  test(`a holder that does not let go: the error names it, nothing is applied (${form})`, async () => {
    for (const ms of [150, 0]) {
      await withLegacy(ms, async (ipt, ns) => {
        ns.mustSync('iptables-legacy', ['-A', 'INPUT', ...rule('before').split(' ')]);
        await using holder = await LockHolder.take(lock);
        const restored = `*filter\n-A INPUT ${rule('x')}\nCOMMIT\n`;
        const tx = ipt.transaction('filter');
        tx.append('INPUT', rule('tx'));
        const calls: Record<string, () => unknown> = sync
          ? {
              append: () => ipt.appendSync('filter', 'INPUT', rule('x')),
              restore: () => ipt.restoreSync(restored),
              commit: () => tx.commitSync(),
              check: () => tx.checkSync(),
            }
          : {
              append: () => ipt.append('filter', 'INPUT', rule('x')),
              restore: () => ipt.restore(restored),
              commit: () => tx.commit(),
              check: () => tx.check(),
            };
        for (const [name, call] of Object.entries(calls)) {
          const start = performance.now();
          const err = await failureOf(call);
          // Never earlier than promised.
          assert.ok(performance.now() - start >= ms, name);
          assert.deepEqual([err.code, err.errno, err.outcome], ['EAGAIN', -11, 'not-applied'], name);
          assert.match(err.message, new RegExp(`process ${holder.pid} \\(flock\\) holds the xtables lock ${lock}, waited ${ms} ms`), name);
        }
        assert.deepEqual(comments(ns), ['before']);
        // Refused for being early, not spent.
        await holder.release();
        if (sync) tx.commitSync();
        else await tx.commit();
        assert.deepEqual(comments(ns), ['before', 'tx']);
      });
    }
  });
}

test('the real restore that sits on its lock is named too', async () => {
  await withLegacy(0, async (ipt, ns) => {
    const args = [`--net=${ns.path}`, '--', 'iptables-legacy-restore'];
    const child = spawn('nsenter', args, { stdio: ['pipe', 'ignore', 'inherit'], env: cleanEnv() });
    try {
      child.stdin.write('*filter\n');
      // Nobody has made the file yet, or nobody holds it yet.
      const holding = (): boolean => {
        try {
          return holders(lock).includes(child.pid as number);
        } catch {
          return false;
        }
      };
      while (!holding()) await turns(1);
      const err = await failureOf(() => ipt.append('filter', 'INPUT', rule('x')));
      assert.match(err.message, new RegExp(`process ${child.pid} \\(iptables-legacy\\)`));
    } finally {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end('COMMIT\n');
      await ended;
    }
    await ipt.append('filter', 'INPUT', rule('x'));
    assert.deepEqual(comments(ns), ['x']);
  });
});

test('the holder of another file with the same inode number is not named', async () => {
  const { same, errors, pids } = JSON.parse(await programOutput('same-inodes', [], { wrapper: ['unshare', '--mount', '--net', '--'] })) as {
    same: boolean;
    errors: string[];
    pids: number[];
  };
  assert.ok(same, 'the files were meant to have one inode number');
  assert.equal(errors.length, 2);
  for (const [i, message] of errors.entries()) assert.match(message, new RegExp(`process ${pids[i]} \\(flock\\) holds the xtables lock`));
});

test('lockTimeoutMs 0 does not wait at all', async (t) => {
  await withLegacy(0, async (ipt, ns) => {
    await using _holder = await LockHolder.take(lock);
    const waits = t.mock.method(Atomics, 'wait');
    const timers = t.mock.method(globalThis, 'setTimeout');
    assert.equal((await failureOf(() => ipt.appendSync('filter', 'INPUT', rule('x')))).code, 'EAGAIN');
    assert.equal((await failureOf(() => ipt.append('filter', 'INPUT', rule('x')))).code, 'EAGAIN');
    assert.deepEqual([waits.mock.callCount(), timers.mock.callCount()], [0, 0]);
    assert.deepEqual(comments(ns), []);
  });
});

test('a holder that lets go in time lets the call succeed', async () => {
  await withLegacy(LONG, async (ipt, ns) => {
    const holder = await LockHolder.take(lock);
    let settled = false;
    const call = ipt.append('filter', 'INPUT', rule('x')).finally(() => {
      settled = true;
    });
    await turns(200);
    assert.equal(settled, false);
    assert.deepEqual(comments(ns), []);
    await holder.release();
    await call;
    assert.deepEqual(comments(ns), ['x']);
  });
});

test('a holder that lets go in time lets the sync call succeed', async (t) => {
  await withLegacy(LONG, async (ipt, ns) => {
    const holder = await LockHolder.take(lock);
    const wait = Atomics.wait;
    let waits = 0;
    t.mock.method(Atomics, 'wait', (...args: Parameters<typeof wait>) => {
      // While the thread sits in the call nothing else of it runs: here is the only place to let go.
      if (waits++ === 2) holder.kill();
      return wait(...args);
    });
    ipt.appendSync('filter', 'INPUT', rule('x'));
    assert.ok(waits >= 3, `${waits} waits`);
    assert.deepEqual(comments(ns), ['x']);
    await holder.release();
  });
});

test('an abort while waiting for the lock: AbortError, nothing applied, and the transaction can be committed again', async () => {
  await withLegacy(LONG, async (ipt, ns) => {
    const holder = await LockHolder.take(lock);
    const tx = ipt.transaction('filter');
    tx.append('INPUT', rule('tx'));
    const options = (): [AbortController, { signal: AbortSignal }] => {
      const controller = new AbortController();
      return [controller, { signal: controller.signal }];
    };
    const calls: ((o: { signal: AbortSignal }) => Promise<unknown>)[] = [
      (o) => tx.commit(o),
      (o) => tx.check(o),
      (o) => ipt.append('filter', 'INPUT', rule('x'), o),
      (o) => ipt.restore(`*filter\n-A INPUT ${rule('x')}\nCOMMIT\n`, o),
    ];
    for (const call of calls) {
      const [controller, o] = options();
      const waiting = call(o);
      await turns(50);
      controller.abort();
      await assert.rejects(waiting, { name: 'AbortError' });
    }
    assert.deepEqual(comments(ns), []);
    await holder.release();
    await tx.commit();
    assert.deepEqual(comments(ns), ['tx']);
  });
});

test('calls behind one that waits keep their order; one that is aborted is left out; sync calls are refused', async () => {
  await withLegacy(LONG, async (ipt, ns) => {
    const holder = await LockHolder.take(lock);
    const controller = new AbortController();
    const calls = ['a', 'b', 'c', 'd'].map((name) =>
      ipt.append('filter', 'INPUT', rule(name), name === 'c' ? { signal: controller.signal } : {}),
    );
    const ends = Promise.allSettled(calls);
    await turns(20);
    controller.abort();
    await turns(20);
    assert.equal((await failureOf(() => ipt.appendSync('filter', 'INPUT', rule('s')))).code, 'ERR_BUSY');
    // Reading takes no lock.
    assert.equal(await ipt.save(), '');
    assert.deepEqual(await ipt.list('filter'), []);
    assert.equal(ipt.existsSync('filter', 'INPUT', rule('a')), false);
    await holder.release();
    assert.deepEqual(
      (await ends).map((end) => end.status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(comments(ns), ['a', 'b', 'd']);
  });
});

test('close while a call waits for the lock: the call ends, and the lock is not taken', async () => {
  await withLegacy(LONG, async (ipt, ns) => {
    const holder = await LockHolder.take(lock);
    const ends = Promise.allSettled([ipt.append('filter', 'INPUT', rule('a')), ipt.append('filter', 'INPUT', rule('b'))]);
    await turns(20);
    await ipt.close();
    for (const end of await ends) {
      assert.equal(end.status, 'rejected');
      assert.deepEqual([end.reason.code, end.reason.outcome], ['ERR_CLOSED', 'not-applied']);
    }
    await holder.release();
    assert.deepEqual(comments(ns), []);
  });
});

test('between two calls the lock is free, whatever the call was and however it ended', async () => {
  await withLegacy(0, async (ipt, ns) => {
    ns.mustSync('iptables-legacy', ['-N', 'c']);
    const text = `*filter\n:c - [0:0]\n-A c ${rule('x')}\nCOMMIT\n*nat\n-A OUTPUT -j ACCEPT\nCOMMIT\n`;
    const tx = ipt.transaction('filter');
    tx.append('c', rule('tx'));
    const calls: Record<string, () => unknown> = {
      append: () => ipt.append('filter', 'c', rule('a')),
      appendSync: () => ipt.appendSync('filter', 'c', rule('b')),
      'a refusal of ours': () => failureOf(() => ipt.delete('filter', 'c', rule('nothing'))),
      "the kernel's refusal": () => failureOf(() => ipt.appendSync('filter', 'INPUT', '-j MASQUERADE')),
      restore: () => ipt.restore(text),
      restoreSync: () => ipt.restoreSync(text),
      'restore --test': () => ipt.restore(text, { test: true }),
      check: () => tx.check(),
      commit: () => tx.commit(),
      save: () => ipt.save(),
      saveSync: () => ipt.saveSync(),
      counters: () => ipt.counters(),
      exists: () => ipt.exists('filter', 'c', rule('a')),
      'a table that is not there': () => failureOf(() => ipt.deleteAt('raw', 'OUTPUT', 1)),
    };
    for (const [name, call] of Object.entries(calls)) {
      await call();
      assert.deepEqual(holders(lock), [], name);
      ns.mustSync('flock', ['-n', lock, 'true']);
    }
  });
});

test('the lock file is made as the real programs make it, and one that cannot be had is named', async () => {
  await withLegacy(0, async (ipt) => {
    const mine = join(dirname(lock), 'made');
    const theirs = join(dirname(lock), 'made-by-them');
    try {
      process.env['XTABLES_LOCKFILE'] = mine;
      await ipt.append('filter', 'INPUT', rule('a'));
      await withNamespace(async (ns) => {
        ns.mustSync('iptables-legacy', ['-A', 'INPUT', '-j', 'ACCEPT'], { env: { XTABLES_LOCKFILE: theirs } });
      });
      assert.equal(statSync(mine).mode, statSync(theirs).mode);
      for (const [path, errno] of [
        [join(dirname(lock), 'no', 'folder'), constants.errno.ENOENT],
        [dirname(lock), constants.errno.EISDIR],
      ] as const) {
        process.env['XTABLES_LOCKFILE'] = path;
        for (const call of [
          () => ipt.append('filter', 'INPUT', rule('b')),
          () => ipt.appendSync('filter', 'INPUT', rule('b')),
          // Code that takes ENOENT for 'gone already' must not take this for it.
          () => ipt.delete('filter', 'INPUT', rule('a')),
          () => ipt.restore(`*filter\n-A INPUT ${rule('b')}\nCOMMIT\n`),
        ]) {
          const err = await failureOf(call);
          assert.deepEqual([err.code, err.errno, err.outcome], ['ERR_XTABLES_LOCK', -errno, 'not-applied']);
          assert.ok(err.message.includes(`the lock file of iptables, ${path}; XTABLES_LOCKFILE names another`), err.message);
        }
      }
      assert.equal((await ipt.list('filter')).length, 1);
    } finally {
      process.env['XTABLES_LOCKFILE'] = lock;
    }
  });
});

test('the lock taken away between two tables of a restore: partly applied, with the first named', async () => {
  await withNamespace(async (ns) => {
    const connection = runSync(Connection.open(ns.path));
    const held = join(dirname(lock), 'held');
    await using holder = await LockHolder.take(held);
    try {
      const tables = parseSaveText(`*filter\n-A INPUT ${rule('x')}\nCOMMIT\n*nat\n-A OUTPUT ${rule('y')}\nCOMMIT\n`, 'ip');
      const verb = new LegacyBackend(connection, 'ip', 0).restore(tables, { noflush: false, counters: false, test: false });
      const err = await failureOf(() => {
        for (let turn = verb.next(); !turn.done; ) {
          turn = verb.next(turn.value.sync());
          if (comments(ns).includes('x')) process.env['XTABLES_LOCKFILE'] = held;
        }
      });
      assert.deepEqual([err.code, err.outcome, err.tables], ['EAGAIN', 'partly-applied', ['filter']]);
      assert.ok(err.message.includes(`process ${holder.pid} (flock)`), err.message);
      assert.deepEqual(comments(ns), ['x']);
    } finally {
      process.env['XTABLES_LOCKFILE'] = lock;
      connection.closeSync();
    }
  });
});
