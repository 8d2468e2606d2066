// watchDrift: what it tells of others' changes, what it puts back, and how it ends.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type DriftEvent, Iptables, type NetfilterError, type Subscription } from '../../lib/index.ts';
import { type Backend, backends, Programs } from '../support/iptables-programs.ts';
import { LockHolder } from '../support/lock-holder.ts';
import { TestNamespace } from '../support/namespace.ts';
import { lockFile } from '../support/xtables-lock.ts';

const over = { done: true, value: undefined };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The chain that is watched, with rules for these ports. */
const wanted = (...ports: readonly number[]): string =>
  ['*filter', ':WATCHED - [0:0]', ...ports.map((port) => `-A WATCHED -p tcp -m tcp --dport ${port} -j ACCEPT`), 'COMMIT', ''].join('\n');
const line = (port: number): string => `-p tcp -m tcp --dport ${port} -j ACCEPT`;

class Host implements AsyncDisposable {
  readonly backend: Backend;
  readonly ns: TestNamespace;
  readonly own: Iptables;
  readonly other: Iptables;
  readonly #program: string;

  private constructor(ns: TestNamespace, backend: Backend, lockTimeoutMs: number) {
    this.backend = backend;
    this.ns = ns;
    this.#program = new Programs(backend, 'ip').name;
    const open = (): Iptables => Iptables.openSync({ family: 'ip', backend, netns: ns.path, lockTimeoutMs });
    [this.own, this.other] = [open(), open()];
  }
  static async create(backend: Backend, o: { readonly lockTimeoutMs?: number } = {}): Promise<Host> {
    return new Host(await TestNamespace.create(), backend, o.lockTimeoutMs ?? 5000);
  }
  real(...words: readonly string[]): void {
    this.ns.mustSync(this.#program, words);
  }
  ports(): number[] {
    return this.other.listSync('filter', 'WATCHED').map((rule) => Number(/--dport (\d+)/.exec(String(rule))?.[1]));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.own.close();
    await this.other.close();
    await this.ns.close();
  }
}

async function next(drifts: Subscription<DriftEvent>): Promise<DriftEvent> {
  const { done, value } = await drifts.next();
  assert.ok(done !== true, 'the watch has ended');
  return value as DriftEvent;
}
async function nextOf<K extends DriftEvent['kind']>(drifts: Subscription<DriftEvent>, kind: K): Promise<DriftEvent & { readonly kind: K }> {
  const event = await next(drifts);
  assert.equal(event.kind, kind, inspect(event));
  return event as DriftEvent & { readonly kind: K };
}
/** Removed and added lines of a diff, without their hunks. */
const lines = (diff: string): string[] => diff.split('\n').filter((l) => /^[-+](?!--|\+\+)/.test(l));
const without = (port: number): string => `+-A WATCHED ${line(port)}`;
const besides = (rule: string): string => `--A WATCHED ${rule}`;

/** Small, since nothing is measured; the time in which a repair must be undone to have failed is ten of it. */
const minIntervalMs = 20;

for (const backend of backends) {
  const nft = backend === 'nft';

  test(`${backend}: what is not there is told at the beginning, without a writer`, async () => {
    await using h = await Host.create(backend);
    await using drifts = h.own.watchDrift(() => wanted(1, 2), {}, { minIntervalMs });
    const first = await nextOf(drifts, 'drift');
    assert.deepEqual(lines(first.diff), ['+:WATCHED - [0:0]', without(1), without(2)]);
    assert.deepEqual([first.process, first.tid], [undefined, undefined]);
    assert.deepEqual(h.other.snapshotSync().tables.length, 0, 'nothing is made');
  });

  test(`${backend}: a change of others is told with who made it; what is no change of the scope is not`, async () => {
    await using h = await Host.create(backend);
    await h.own.sync(wanted(1, 2, 3));
    let looks = 0;
    const desired = (): string => {
      looks++;
      return wanted(1, 2);
    };
    await using drifts = h.own.watchDrift(desired, {}, { minIntervalMs });
    assert.deepEqual(lines((await nextOf(drifts, 'drift')).diff), [besides(line(3))]);
    const before = looks;
    // In another table; by ourselves, and as desired.
    h.real('-t', 'nat', '-A', 'OUTPUT', '-j', 'RETURN');
    await h.own.sync(wanted(1, 2));
    h.real('-D', 'WATCHED', '1');
    const drift = await nextOf(drifts, 'drift');
    assert.deepEqual(lines(drift.diff), [without(1)]);
    if (nft) {
      assert.equal(looks, before + 1, 'nobody looks for what cannot matter');
      assert.equal(drift.process, 'iptables-nft');
      assert.ok((drift.tid ?? 0) > 0);
    } else assert.deepEqual([drift.process, drift.tid], [undefined, undefined]);
    // In the same table: looked at, and told of only when there is more.
    h.real('-A', 'INPUT', '-j', 'RETURN');
    h.real('-A', 'WATCHED', '-j', 'DROP');
    assert.deepEqual(lines((await nextOf(drifts, 'drift')).diff), [without(1), besides('-j DROP')]);
    // Gone by itself, which is no event, and there again.
    const told = drifts.next();
    let seen = looks;
    h.other.syncSync(wanted(1, 2));
    while (looks === seen) await turn();
    for (seen = looks; h.backend === 'legacy' && looks === seen; ) await turn();
    h.other.flushChainSync('filter', 'WATCHED');
    const { value } = await told;
    assert.ok(value?.kind === 'drift', inspect(value));
    assert.deepEqual(lines(value.diff), [without(1), without(2)]);
  });

  test(`${backend}: repaired, reported, and then as desired`, async () => {
    await using h = await Host.create(backend);
    await using drifts = h.own.watchDrift(() => wanted(1, 2, 3), {}, { repair: true, minIntervalMs });
    await nextOf(drifts, 'drift');
    const { report } = await nextOf(drifts, 'repaired');
    assert.deepEqual([report.added, report.removed, report.kept], [3, 0, 0]);
    assert.deepEqual(h.ports(), [1, 2, 3]);
    const handles = h.other.listSync('filter', 'WATCHED').map((rule) => rule.handle);
    for (const words of [
      ['-D', 'WATCHED', '2'],
      ['-I', 'WATCHED', '1', '-j', 'DROP'],
    ]) {
      h.real(...words);
      await nextOf(drifts, 'drift');
      const repaired = await nextOf(drifts, 'repaired');
      assert.equal(repaired.report.kept, words[0] === '-D' ? 2 : 3);
      assert.deepEqual(h.ports(), [1, 2, 3]);
    }
    if (nft)
      assert.deepEqual(
        [handles[0], handles[2]],
        [0, 2].map((i) => h.other.listSync('filter', 'WATCHED')[i]?.handle),
      );
  });

  test(`${backend}: what is desired by now is what is told and put back`, async () => {
    await using h = await Host.create(backend);
    let ports = [1];
    await using drifts = h.own.watchDrift(() => wanted(...ports), {}, { repair: true, minIntervalMs });
    const first = await nextOf(drifts, 'drift');
    assert.deepEqual(lines(first.diff).at(-1), without(1));
    // Between the report and the repair.
    ports = [1, 2];
    assert.equal((await nextOf(drifts, 'repaired')).report.added, 2);
    assert.deepEqual(h.ports(), [1, 2]);
    ports = [2];
    h.real('-A', 'WATCHED', '-j', 'DROP');
    assert.deepEqual(lines((await nextOf(drifts, 'drift')).diff), [besides(line(1)), besides('-j DROP')]);
    await nextOf(drifts, 'repaired');
    assert.deepEqual(h.ports(), [2]);
  });

  test(`${backend}: drift that goes away before it is repaired is no repair`, async () => {
    await using h = await Host.create(backend);
    let asked = 0;
    const desired = (): string => {
      // Once by the call, once for what is told, once right before the repair, and once for the next look.
      asked++;
      if (asked === 3) h.other.syncSync(wanted(1));
      if (asked === 4) h.other.flushChainSync('filter', 'WATCHED');
      return wanted(1);
    };
    await using drifts = h.own.watchDrift(desired, {}, { repair: true, minIntervalMs });
    await nextOf(drifts, 'drift');
    await nextOf(drifts, 'drift');
    assert.equal((await nextOf(drifts, 'repaired')).report.added, 1);
    assert.equal(asked, 5);
  });

  test(`${backend}: a writer that insists: ten repairs, then ERR_CONFLICT, and the end`, async () => {
    await using h = await Host.create(backend);
    const drifts = h.own.watchDrift(() => wanted(1), {}, { repair: true, minIntervalMs: 100 });
    const seen: DriftEvent[] = [];
    for await (const event of drifts) {
      seen.push(event);
      if (event.kind === 'repaired') h.real('-F', 'WATCHED');
    }
    const kinds = seen.map((event) => event.kind);
    assert.deepEqual(kinds, [...Array.from({ length: 10 }, () => ['drift', 'repaired']).flat(), 'drift', 'error']);
    const { error } = seen.at(-1) as { readonly error: NetfilterError };
    assert.equal(error.code, 'ERR_CONFLICT');
    if (nft) assert.match(error.message, /iptables-nft \(thread \d+\) has undone each of 10 repairs/);
    assert.deepEqual(h.ports(), [], 'what is there now stays');
    assert.deepEqual(await drifts.next(), over);
  });

  test(`${backend}: what the kernel refuses is an event, again and again, until it is desired no more`, async () => {
    await using h = await Host.create(backend);
    // CT is for table raw alone, which the kernel finds at the commit.
    let desired = '*filter\n:WATCHED - [0:0]\n-A WATCHED -j CT --notrack\nCOMMIT\n';
    await using drifts = h.own.watchDrift(() => desired, {}, { repair: true, minIntervalMs });
    await nextOf(drifts, 'drift');
    for (let i = 0; i < 3; i++) {
      const { error } = await nextOf(drifts, 'error');
      assert.deepEqual([error.code, error.outcome], ['EINVAL', 'not-applied']);
    }
    // Nobody commits anything: it is the watch that tries.
    desired = wanted(1);
    let event = await next(drifts);
    while (event.kind !== 'repaired') event = await next(drifts);
    assert.deepEqual(h.ports(), [1]);
  });

  test(`${backend}: what is no desired state rejects, and that is the end`, async () => {
    await using h = await Host.create(backend);
    const bad: readonly (readonly [then: () => string, expected: object])[] = [
      [() => '*filter\n-A WATCHED --nobodys\nCOMMIT\n', { code: 'ERR_RULE_SYNTAX' }],
      [
        () => {
          throw new RangeError('no idea');
        },
        { name: 'RangeError', message: 'no idea' },
      ],
      [() => '*filter\n-D WATCHED -j DROP\nCOMMIT\n', { code: 'ERR_RULE_SYNTAX' }],
    ];
    for (const [then, expected] of bad) {
      assert.throws(() => h.own.watchDrift(then, {}, { minIntervalMs }), expected);
      let desired = (): string => wanted(1);
      const drifts = h.own.watchDrift(() => desired(), {}, { minIntervalMs });
      await nextOf(drifts, 'drift');
      desired = then;
      const told = drifts.next();
      h.other.ensureChainSync('filter', 'WATCHED');
      h.other.appendSync('filter', 'WATCHED', '-j DROP');
      await assert.rejects(told, expected);
      assert.deepEqual(await drifts.next(), over);
      await h.other.flushChain('filter', 'WATCHED');
      await h.other.deleteChain('filter', 'WATCHED');
    }
    for (const o of [{ minIntervalMs: 0 }, { minIntervalMs: Number.NaN }])
      assert.throws(() => h.own.watchDrift(() => wanted(1), {}, o), { code: 'ERR_INVALID_ARG' });
    assert.throws(() => h.own.watchDrift(() => wanted(1), { tables: ['nobodys'] }), { code: 'ERR_INVALID_ARG' });
  });

  // Each way to end it, at each stage: not begun, waiting for the first, waiting for a change, after an event, before a repair.
  const ends: Readonly<Record<string, (w: Subscription<DriftEvent>, c: AbortController, h: Host) => Promise<unknown>>> = {
    close: async (w) => await w.close(),
    return: async (w) => await w.return?.(),
    abort: async (_, c) => c.abort(),
    'the connection closed': async (_, __, h) => await h.own.close(),
  };
  for (const [how, end] of Object.entries(ends)) {
    test(`${backend}: ended by ${how}, at every stage`, async () => {
      const stages: Readonly<Record<string, (w: Subscription<DriftEvent>, h: Host) => Promise<Promise<unknown>[]>>> = {
        'not begun': async () => [],
        looking: async (w) => [w.next()],
        'looking, two wait': async (w) => [w.next(), w.next()],
        'looking some turns': async (w) => {
          const waiting = [w.next(), w.next()];
          for (let i = 0; i < 3; i++) await turn();
          return waiting;
        },
        told: async (w) => {
          await nextOf(w, 'drift');
          return [];
        },
        'waiting for a change, or for the time of a repair': async (w) => {
          await nextOf(w, 'drift');
          const waiting = [w.next()];
          for (let i = 0; i < 20; i++) await turn();
          return waiting;
        },
      };
      for (const repair of [false, true]) {
        for (const [stage, reach] of Object.entries(stages)) {
          await using h = await Host.create(backend);
          const controller = new AbortController();
          const { signal } = controller;
          const drifts = h.own.watchDrift(() => wanted(1), {}, { repair, minIntervalMs: 60_000, signal });
          const waiting = await reach(drifts, h);
          await end(drifts, controller, h);
          for (const settled of await Promise.allSettled(waiting)) {
            assert.equal(settled.status, 'fulfilled', `${stage}: ${settled.status === 'rejected' && settled.reason}`);
          }
          assert.deepEqual(await drifts.next(), over, stage);
          await drifts.close();
          assert.equal(getEventListeners(signal, 'abort').length, 0, `${stage}: the signal is let go`);
        }
      }
    });
  }

  test(`${backend}: an abort before the repair leaves things as they are`, async () => {
    await using h = await Host.create(backend);
    const controller = new AbortController();
    let asked = 0;
    const desired = (): string => {
      // Once by the call, once for what is told, and once more right before the repair.
      if (++asked === 3) controller.abort();
      return wanted(1);
    };
    const drifts = h.own.watchDrift(desired, {}, { repair: true, minIntervalMs, signal: controller.signal });
    await nextOf(drifts, 'drift');
    assert.deepEqual(await drifts.next(), over);
    assert.deepEqual([asked, h.other.snapshotSync().tables.length], [3, 0]);
    assert.deepEqual(await h.own.watchDrift(desired, {}, { signal: controller.signal }).next(), over);
  });

  test(`${backend}: two watches of two scopes at once, and own calls beside them`, async () => {
    await using h = await Host.create(backend);
    const one = '*filter\n:ONE - [0:0]\n-A ONE -j RETURN\nCOMMIT\n';
    const two = '*filter\n:TWO - [0:0]\n-A TWO -j RETURN\nCOMMIT\n';
    await h.own.sync(one);
    await h.own.sync(two);
    await using first = h.own.watchDrift(() => one, {}, { repair: true, minIntervalMs });
    await using second = h.own.watchDrift(() => two, {}, { minIntervalMs });
    const told = [first.next(), second.next()] as const;
    for (let i = 0; i < 50; i++) await turn();
    const calls = Promise.all(Array.from({ length: 5 }, (_, n) => h.own.append('nat', 'OUTPUT', `-p tcp --dport ${n + 1}`)));
    h.real('-F', 'ONE');
    h.real('-F', 'TWO');
    const [a, b] = await Promise.all(told);
    assert.ok(a.value?.kind === 'drift' && lines(a.value.diff).join() === '+-A ONE -j RETURN', inspect(a));
    assert.ok(b.value?.kind === 'drift' && lines(b.value.diff).join() === '+-A TWO -j RETURN', inspect(b));
    await nextOf(first, 'repaired');
    assert.deepEqual([h.other.listSync('filter', 'ONE').length, h.other.listSync('filter', 'TWO').length], [1, 0]);
    await calls;
  });

  test(`${backend}: a namespace that is gone`, async () => {
    await using h = await Host.create(backend);
    await h.own.sync(wanted(1));
    const drifts = h.own.watchDrift(() => wanted(1), {}, { minIntervalMs });
    const told = drifts.next();
    for (let i = 0; i < 20; i++) await turn();
    await h.ns.close();
    const { value } = await told;
    assert.ok(value?.kind === 'error' && value.error.code === 'ERR_NAMESPACE_GONE', inspect(value));
    assert.deepEqual(await drifts.next(), over);
  });
}

test('legacy: a held lock is an error event, and the repair comes when it is let go', async () => {
  await using h = await Host.create('legacy', { lockTimeoutMs: 0 });
  await using drifts = h.own.watchDrift(() => wanted(1), {}, { repair: true, minIntervalMs });
  const held = await LockHolder.take(lockFile);
  try {
    await nextOf(drifts, 'drift');
    for (let i = 0; i < 2; i++) assert.equal((await nextOf(drifts, 'error')).error.code, 'EAGAIN');
  } finally {
    await held.release();
  }
  let event = await next(drifts);
  while (event.kind === 'error') event = await next(drifts);
  assert.equal(event.kind, 'repaired');
  assert.deepEqual(h.ports(), [1]);
});

test('nft: a burst of commits is told once, with one of the writers', async () => {
  await using h = await Host.create('nft');
  let looks = 0;
  const desired = (): string => {
    looks++;
    return wanted(1);
  };
  await using drifts = h.own.watchDrift(desired, {}, { minIntervalMs });
  await nextOf(drifts, 'drift');
  const before = looks;
  await h.own.sync(wanted(1));
  for (let port = 2; port < 100; port++) h.other.appendSync('filter', 'WATCHED', line(port));
  h.real('-A', 'WATCHED', '-j', 'DROP');
  const drift = await nextOf(drifts, 'drift');
  assert.equal(lines(drift.diff).length, 99);
  assert.match(drift.process ?? '', /^(node|MainThread|iptables-nft)/);
  assert.equal(looks, before + 1);
});
