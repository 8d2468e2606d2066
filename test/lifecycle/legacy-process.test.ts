// The life of the process around legacy tables: workers ended and processes exited amid a commit, capabilities that lack, and no
// process ever started.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ChildOptions, noLeakCheck, programOutput, runProgram } from '../support/child.ts';
import { compileC } from '../support/compile-c.ts';
import { root } from '../support/fixtures.ts';
import { ownLockFile } from '../support/lock-file.ts';
import { holders, LockHolder } from '../support/lock-holder.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

const lock = ownLockFile();

/** Ends that many workers at work; how many of their chains are there afterwards, all of them whole. */
async function terminated(ns: TestNamespace, what: string, workers: number, o: ChildOptions = {}): Promise<number> {
  const [gone, result = ''] = (await programOutput('legacy-terminated', [ns.path, what, String(workers)], o)).split('\n');
  assert.equal(gone, 'the workers are gone');
  return (JSON.parse(result) as { whole: number }).whole;
}

for (const [what, workers] of [
  ['commit', 20],
  ['read', 12],
] as const) {
  test(`${workers} workers terminated amid a legacy ${what}: the process lives, every chain is whole, the lock is free`, async () => {
    await withNamespace(async (ns) => {
      const whole = await terminated(ns, what, workers);
      // Work that had begun is finished; what had not begun is not there.
      assert.ok(whole > 0, 'no worker came to its commit');
      assert.deepEqual(holders(lock), []);
      const saved = ns.mustSync('iptables-legacy-save', ['-t', 'filter']);
      assert.equal(saved.match(/^-A /gm)?.length, whole * 2000);
    });
  });
}

test('a worker terminated while it waits for the lock is gone, and nothing comes of its work', async () => {
  await withNamespace(async (ns) => {
    const holder = await LockHolder.take(lock);
    // The main thread waits for the lock too, when its workers are gone: then it is let go.
    const whole = await terminated(ns, 'wait', 6, { onLine: () => void holder.release() });
    assert.equal(whole, 0);
  });
});

test("process.exit amid a legacy restore: the exit code is the program's own, the table is whole, the lock is free", async () => {
  await withNamespace(async (ns) => {
    const seen = new Set<number>();
    for (const turns of [0, 1, 2, 5, 20, 100, 1000]) {
      ns.mustSync('iptables-legacy-restore', [], { input: '*filter\n-A INPUT -j ACCEPT\nCOMMIT\n' });
      const result = await runProgram('legacy-exit', [ns.path, String(turns)], { env: noLeakCheck });
      assert.deepEqual([result.code, result.stderr], [7, ''], `after ${turns} turns: ${result.signal}`);
      assert.deepEqual(holders(lock), [], `after ${turns} turns`);
      const rules = ns.mustSync('iptables-legacy-save', ['-t', 'filter']).match(/^-A /gm)?.length ?? 0;
      assert.ok(rules === 1 || rules === 5000, `${rules} rules after ${turns} turns`);
      seen.add(rules);
    }
    assert.ok(seen.has(1), 'no exit came before the commit');
  });
});

interface Refusal {
  readonly code: string;
  readonly outcome: string;
  readonly message: string;
}
/** Runs the rest of the command in a namespace, without one capability. */
const without = (ns: { readonly path: string }, capability: string): string[] => [
  ...['nsenter', `--net=${ns.path}`, '--', 'setpriv'],
  ...['--bounding-set', `-${capability}`, '--inh-caps', `-${capability}`],
];

for (const [capability, name] of [
  ['net_raw', 'CAP_NET_RAW'],
  ['net_admin', 'CAP_NET_ADMIN'],
] as const) {
  for (const rules of [false, true]) {
    test(`without ${name}, ${rules ? 'with rules there' : 'with no table there'}: opening says so, and makes nothing`, async () => {
      await withNamespace(async (ns) => {
        if (rules) ns.mustSync('iptables-legacy', ['-A', 'INPUT', '-j', 'LOG']);
        const before = ns.mustSync('iptables-legacy-save', []);
        const results = JSON.parse(await programOutput('legacy-open', [], { wrapper: without(ns, capability) })) as Record<string, Refusal>;
        // Opened is nothing: no later call is the first to find out.
        const calls = Object.keys(results);
        assert.deepEqual(calls, ['open', 'openSync', 'auto']);
        for (const call of capability === 'net_raw' ? ['open', 'openSync'] : calls) {
          const { code, outcome, message } = results[call] as Refusal;
          assert.deepEqual([code, outcome], ['EPERM', 'not-applied'], call);
          assert.match(message, new RegExp(`${name} is needed`), call);
        }
        // nf_tables needs no raw socket, and the choice says why it was no choice.
        if (capability === 'net_raw') {
          const choice = results['auto'] as unknown as { name: string; why: string };
          assert.equal(choice.name, 'nft');
          assert.match(choice.why, /legacy could not be looked at: .*CAP_NET_RAW is needed/);
        }
        assert.equal(ns.mustSync('iptables-legacy-save', []).replace(/^#.*\n/gm, ''), before.replace(/^#.*\n/gm, ''));
      });
    });
  }
}

test('the same programs with their capabilities read and write', async () => {
  await withNamespace(async (ns) => {
    const wrapper = ['nsenter', `--net=${ns.path}`, '--', 'setpriv', '--inh-caps', '+net_admin'];
    const results = JSON.parse(await programOutput('legacy-open', [], { wrapper })) as Record<string, unknown>;
    assert.equal((results['auto'] as { name: string }).name, 'legacy');
    for (const call of ['open', 'openSync', 'append', 'appendSync']) assert.equal(results[call], 'done', call);
    assert.deepEqual(results['restore'], { tables: ['filter'] });
    assert.match(ns.mustSync('iptables-legacy-save', []), /-A INPUT -j DROP/);
  });
});

test('legacy calls start no process: they work where execve and fork end it', async () => {
  const object = compileC(join(root, 'test', 'lifecycle', 'no-exec.c'), { shared: true });
  const env = { ...noLeakCheck, LD_PRELOAD: `${process.env['LD_PRELOAD'] ?? ''} ${object}`.trim() };
  await withNamespace(async (ns) => {
    assert.equal((await runProgram('start-a-process', [], { env })).signal, 'SIGSYS');
    const whole = await terminated(ns, 'read', 4, { env });
    assert.ok(whole > 0);
    for (const sync of [false, true]) {
      const work = { netns: ns.path, family: 'ip6', sync, commands: [['append', 'INPUT', '-p tcp -m tcp --dport 22 -j ACCEPT']] };
      assert.deepEqual(JSON.parse(await programOutput('legacy-work', [JSON.stringify(work)], { env })), [{ end: 'done' }]);
    }
    assert.equal(ns.mustSync('ip6tables-legacy-save', []).match(/^-A INPUT/gm)?.length, 2);
  });
});
