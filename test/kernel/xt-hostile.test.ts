// Whatever JavaScript hands to the native calls for legacy tables, the answer is a RangeError, a refusal or the kernel's word: never a
// crash, never a read outside the bytes (npm run test:asan looks), and the next honest call works.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENOENT } from '../../lib/errno.ts';
import { NetfilterError } from '../../lib/index.ts';
import type { BytesContext, IpFamily } from '../../lib/iptables/extensions/codec.ts';
import { LegacyTable } from '../../lib/iptables/legacy/table.ts';
import { CommandWriter } from '../../lib/iptables/legacy/wire.ts';
import { parseRule } from '../../lib/iptables/rule-text.ts';
import { toXt } from '../../lib/iptables/xt-convert.ts';
import { type NativeConnection, native, XT_CHAIN_WORDS, XT_CREATE, XT_DRY_RUN, XT_IP6, XT_USER_CHAIN } from '../../lib/native.ts';
import { ownLockFile } from '../support/lock-file.ts';
import { holders } from '../support/lock-holder.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { Random } from '../support/random.ts';

const lock = ownLockFile();
const MUTANTS = 12_000;
const WORDS = 9;
const edges = [
  0, 1, 2, 7, 8, 9, 31, 39, 40, 111, 112, 113, 152, 167, 168, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
];

interface Commands {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
}

/** A bit of everything that nflink writes. */
function honest(family: IpFamily): Commands {
  const context: BytesContext = { family, backend: 'legacy', setIndex: () => 1, setName: () => 'x' };
  const rule = (text: string) => toXt(parseRule(text, family), context, () => 0);
  const w = new CommandWriter(context, 16);
  w.push('begin');
  w.push('newChain', { chain: 'a' });
  w.push('declareChain', { chain: 'b' });
  w.push('append', { chain: 'a', rule: rule('-p tcp -m tcp --dport 22 -m comment --comment some -j ACCEPT') });
  w.push('append', { chain: 'INPUT', rule: rule('-i lo -j a') });
  w.push('insert', { chain: 'INPUT', number: 1, rule: rule('-p udp -m udp --sport 5:9 -g b'), conditional: true });
  w.push('append', { chain: 'b', rule: rule('-j LOG --log-prefix word'), conditional: true });
  w.push('replace', { chain: 'b', number: 1, rule: rule('-m comment --comment other') });
  w.push('append', { chain: 'b', rule: { ...rule('-j DROP'), counter: { packets: 5n, bytes: 6n } } });
  w.push('delete', { chain: 'b', rule: rule('-j DROP') });
  w.push('delete', { chain: 'b', rule: rule('-j RETURN'), conditional: true });
  w.push('setPolicy', { chain: 'FORWARD', other: 'DROP', counter: { packets: 1n, bytes: 2n } });
  w.push('zeroAt', { chain: 'INPUT', number: 1 });
  w.push('zero', { chain: 'b' });
  w.push('renameChain', { chain: 'b', other: 'c' });
  w.push('deleteAt', { chain: 'c', number: 1 });
  w.push('flushChain', { chain: 'INPUT' });
  w.push('deleteChain', { chain: 'c' });
  return { words: w.words.slice(), bytes: w.bytes.slice() };
}

const names = ['', 'INPUT', 'ERROR', 'ACCEPT', 'a', 'b', 'tcp', 'x'.repeat(28), 'x'.repeat(31), '\u{ff}\u{fe}'];

function mutate(random: Random, from: Commands): Commands {
  let words = from.words.slice();
  let bytes = from.bytes.slice();
  const view = new DataView(bytes.buffer);
  const place = (size: number): number => random.below(bytes.length - size);
  const number = (): number => (random.chance(0.5) ? random.pick(edges) : random.u32() >>> random.below(32));
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const kind = random.below(11);
    if (kind === 0) words[random.below(words.length)] = number();
    // A place near the one that was meant: overlaps, and entries that begin within another.
    else if (kind === 1) {
      const at = random.below(words.length);
      words[at] = (words[at] as number) + random.pick([-16, -8, -1, 1, 8, 16, 40]);
    }
    // The words of two commands mixed.
    else if (kind === 2) words[random.below(words.length)] = words[random.below(words.length)] as number;
    else if (kind === 3) words[WORDS * random.below(words.length / WORDS)] = random.below(16);
    else if (kind === 4) words = words.slice(0, random.below(words.length));
    else if (kind === 5) {
      const cut = WORDS * random.below(words.length / WORDS);
      words = Uint32Array.of(...words.subarray(cut), ...words.subarray(0, cut));
    } else if (kind === 6) bytes[place(1)] = random.u32();
    else if (kind === 7) view.setUint16(place(2) & ~1, number() & 0xffff, true);
    // The sizes of an entry: where an entry begins, its offsets lie at known places.
    else if (kind === 8) {
      const entry = words[WORDS * random.below(words.length / WORDS) + 4] as number;
      const field = entry + random.pick([88, 90, 112, 140, 142, 168, 144, 200]);
      if (entry < bytes.length && field + 2 <= bytes.length) {
        const value = random.chance(0.5) ? view.getUint16(field, true) + random.pick([-8, -1, 1, 8, 32]) : number();
        view.setUint16(field, value & 0xffff, true);
      }
    } else if (kind === 9) {
      const name = new TextEncoder().encode(random.pick(names));
      const at = place(name.length + 1);
      bytes.set(name, at);
      bytes[at + name.length] = random.chance(0.8) ? 0 : 0x41;
    } else bytes = bytes.slice(0, random.below(bytes.length));
    if (words.length < WORDS || bytes.length < 64) break;
  }
  return { words, bytes };
}

type Answer = 'refused at once' | 'refusal' | 'failure' | 'done' | 'missing';
function commit(c: NativeConnection, bits: number, { words, bytes }: Commands): Answer {
  try {
    const reply = c.xtCommitSync(bits, 'filter', lock, words, bytes, nothing);
    assert.notEqual(reply.busy, true, 'the lock is held by somebody');
    if (reply.failure !== undefined) return 'failure';
    if (reply.refusal === undefined) return reply.missing === true ? 'missing' : 'done';
    assert.ok(reply.refusal.index < words.length / WORDS && reply.refusal.errno > 0, JSON.stringify(reply.refusal));
    return 'refusal';
  } catch (err) {
    assert.ok(err instanceof RangeError, `${err}`);
    return 'refused at once';
  }
}

async function connected(fn: (c: NativeConnection, ns: TestNamespace) => unknown): Promise<void> {
  await withNamespace(async (ns) => {
    const reply = native().openSync(ns.path);
    if (reply.failure !== undefined) throw new Error(`open: ${JSON.stringify(reply.failure)}`);
    try {
      await fn(reply.connection, ns);
    } finally {
      reply.connection.closeSync();
    }
  });
}

for (const family of ['ip', 'ip6'] as const) {
  const bit = family === 'ip' ? 0 : XT_IP6;
  test(`${family}: ${MUTANTS} mutants of honest commands are refused, or are the kernel's to judge`, async () => {
    const good = honest(family);
    const random = new Random(family === 'ip' ? 4 : 6);
    const answers: Record<Answer, number> = { 'refused at once': 0, refusal: 0, failure: 0, done: 0, missing: 0 };
    for (let round = 0; round < 8; round++) {
      await connected((c, ns) => {
        assert.equal(commit(c, bit | XT_CREATE, good), 'done');
        for (let i = 0; i < MUTANTS / 8; i++) {
          const bits = bit | (random.chance(0.3) ? XT_DRY_RUN : XT_CREATE);
          answers[commit(c, bits, mutate(random, good))]++;
          if (i % 50 === 0) read(c, bit, family);
        }
        // Whatever they left there, a table begun anew is whole.
        assert.equal(commit(c, bit, good), 'done');
        ns.mustSync(family === 'ip' ? 'iptables-legacy-save' : 'ip6tables-legacy-save', []);
        assert.deepEqual(holders(lock), []);
      });
    }
    // Every kind of end was met, or the mutants were too tame.
    for (const answer of ['refused at once', 'refusal', 'failure', 'done'] as const)
      assert.ok(answers[answer] > 20, JSON.stringify(answers));
  });

  test(`${family}: words and bytes of chance`, async () => {
    const random = new Random(46);
    await connected((c) => {
      for (let i = 0; i < 3000; i++) {
        const words = Uint32Array.from({ length: random.below(40) }, () => (random.chance(0.7) ? random.below(64) : random.u32()));
        const bytes = Uint8Array.from({ length: random.below(512) }, () => random.u32());
        commit(c, bit | XT_CREATE, { words, bytes });
      }
      assert.equal(commit(c, bit | XT_CREATE, honest(family)), 'done');
    });
  });

  test(`${family}: the bytes of a table, changed: reading ends, with rules or with an error that says so`, async () => {
    const good = honest(family);
    await connected((c) => {
      // All but the commands that empty it again.
      assert.equal(commit(c, bit | XT_CREATE, { words: good.words.slice(0, 10 * WORDS), bytes: good.bytes }), 'done');
      const { data, hooks: real } = entriesOf(c, bit);
      const random = new Random(64);
      let broken = 0;
      for (let i = 0; i < 6000; i++) {
        const copy = data.slice(0, random.chance(0.2) ? 40 + 8 * random.below(data.byteLength / 8 - 5) : data.byteLength);
        const view = new DataView(copy);
        const hooks = real.slice();
        for (let changes = random.below(4); changes > 0 && copy.byteLength > 48; changes--) {
          if (random.chance(0.2)) hooks[random.below(hooks.length)] = random.pick(edges);
          else
            view.setUint16(40 + 2 * random.below((copy.byteLength - 40) / 2), random.chance(0.5) ? random.pick(edges) : random.u32(), true);
        }
        if (!walk(family, { ...native().xtWalk(bit, hooks, new Uint8Array(copy, 40)), data: copy })) broken++;
      }
      assert.ok(broken > 100, `${broken} were refused`);
    });
  });
}

/** A table's entries with struct ipt_getinfo's words for them: where builtin chains begin and end. */
function entriesOf(c: NativeConnection, bit: number): { readonly data: ArrayBuffer; readonly hooks: Uint32Array } {
  const { data, chains } = c.xtReadSync(bit, 'filter', '', nothing);
  assert.ok(data !== undefined && chains !== undefined);
  const hooks = new Uint32Array(11);
  for (let at = 0; at < chains.length; at += XT_CHAIN_WORDS) {
    const [, first = 0, foot = 0, hook = XT_USER_CHAIN] = chains.subarray(at, at + XT_CHAIN_WORDS);
    if (hook === XT_USER_CHAIN) continue;
    hooks[0] = (hooks[0] as number) | (1 << hook);
    hooks[1 + hook] = first;
    hooks[6 + hook] = foot;
  }
  return { data, hooks };
}

const nothing = new Uint8Array(0);

/** Reads every rule; false where that is refused. */
function walk(family: IpFamily, reply: ConstructorParameters<typeof LegacyTable>[2]): boolean {
  try {
    const table = new LegacyTable(family, 'filter', reply);
    for (let row = 0; row < table.length; row++) {
      table.rule(row);
      table.jumpOf(row);
      table.chainOf(row);
    }
    return true;
  } catch (err) {
    // DataView's own for a place outside: the kernel checks its entries, so nothing finer is promised.
    assert.ok(err instanceof NetfilterError || err instanceof RangeError, `${err instanceof Error ? err.stack : err}`);
    return false;
  }
}

function read(c: NativeConnection, bit: number, family: IpFamily): void {
  const reply = c.xtReadSync(bit, 'filter', lock, nothing);
  assert.equal(reply.failure, undefined);
  if (reply.missing !== true) walk(family, reply);
}

test('arguments that are none: names too long or with NUL, no arrays, unknown bits', async () => {
  await connected((c) => {
    const { words, bytes } = honest('ip');
    const loose = c as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
    const bad: readonly (readonly [string, ...unknown[]])[] = [
      ['xtReadSync', 0, '', '', nothing],
      ['xtReadSync', 0, 'x'.repeat(32), '', nothing],
      ['xtReadSync', 2, 'filter', '', nothing],
      ['xtReadSync', -1, 'filter', '', nothing],
      ['xtReadSync', 0.5, 'filter', '', nothing],
      ['xtReadSync', 0],
      ['xtReadSync', 0, null, '', nothing],
      ['xtReadSync', 0, 'filter', 7, nothing],
      ['xtReadSync', 0, 'filter', '', 7],
      ['xtCommitSync', 8, 'filter', lock, words, bytes, nothing],
      ['xtCommitSync', 0, 'x'.repeat(32), lock, words, bytes, nothing],
      ['xtCommitSync', 0, 'filter', lock, Array.from(words), bytes, nothing],
      ['xtCommitSync', 0, 'filter', lock, new Uint8Array(36), bytes, nothing],
      ['xtCommitSync', 0, 'filter', lock, new BigUint64Array(9), bytes, nothing],
      ['xtCommitSync', 0, 'filter', lock, words, 'bytes', nothing],
      ['xtCommitSync', 0, 'filter', lock, words, bytes],
      ['xtCommitSync', 0, 'filter', lock, words, bytes, new Uint8Array(4)],
      ['xtRevisionSync', 0, 2, 'tcp', 0],
      ['xtRevisionSync', 0, 0, 'tcp', 256],
      ['xtRevisionSync', 0, 0, {}, 0],
    ];
    for (const [call, ...args] of bad) {
      assert.throws(
        () => loose[call]?.(...args),
        (err) => err instanceof RangeError || err instanceof TypeError,
        `${call}(${args.map((a) => String(a).slice(0, 40)).join(', ')})`,
      );
    }
    // Names of nothing, which the kernel knows as such.
    for (const name of ['nothing', 'x'.repeat(31), '../..', '\u{1f600}', 'filter ', 'FILTER', '%s%s%n']) {
      assert.equal(c.xtReadSync(0, name, '', nothing).missing, true, name);
      assert.equal(c.xtCommitSync(0, name, lock, words, bytes, nothing).missing, true, name);
      assert.ok(c.xtCommitSync(XT_CREATE, name, lock, words, bytes, nothing).failure !== undefined, name);
      assert.equal(c.xtRevisionSync(0, 0, name, 0).found ?? false, false, name);
    }
    for (const length of [29, 5000]) assert.equal(c.xtRevisionSync(0, 0, 'x'.repeat(length), 0).failure?.errno, ENOENT);
    assert.equal(c.xtCommitSync(XT_CREATE, 'filter', lock, words, bytes, nothing).failure, undefined);
  });
});

test('what JavaScript changes while the native thread works is not what is worked on', async () => {
  await connected(async (c, ns) => {
    const { words, bytes } = honest('ip');
    const part = words.slice(0, 10 * WORDS);
    const pending = c.xtCommit(XT_CREATE, 'filter', lock, part, bytes, nothing);
    part.fill(0xffffffff);
    bytes.fill(0xff);
    assert.deepEqual([(await pending).failure, (await pending).refusal], [undefined, undefined]);
    assert.match(ns.mustSync('iptables-legacy-save', []), /-A a -p tcp -m tcp --dport 22 -m comment --comment some -j ACCEPT/);
  });
});

test('a mask lies within the bytes wherever there is one, and a command that compares has one', async () => {
  await connected((c) => {
    const context: BytesContext = { family: 'ip', backend: 'legacy', setIndex: () => 1, setName: () => 'x' };
    const w = new CommandWriter(context, 2);
    w.push('newChain', { chain: 'LOG' });
    // A target without options that has a chain's name: a jump is made of the entry, and of its mask.
    w.push('append', { chain: 'INPUT', rule: toXt(parseRule('-p tcp -j LOG', 'ip'), context, () => 0), bareTarget: true });
    const [words, bytes] = [w.words.slice(), w.bytes.slice()];
    const [VERB, MASK, NONE, DELETE] = [WORDS, WORDS + 6, 0xffffffff, 3];
    assert.equal(words[MASK], NONE);
    assert.equal(commit(c, XT_CREATE | XT_DRY_RUN, { words, bytes }), 'done');
    for (const mask of [bytes.length - 8, bytes.length, bytes.length + 8, 0x40000000, 0xfffffffe]) {
      words[MASK] = mask;
      assert.equal(commit(c, XT_CREATE | XT_DRY_RUN, { words, bytes }), 'refused at once', `${mask}`);
    }
    words[VERB] = DELETE;
    words[MASK] = NONE;
    assert.equal(commit(c, XT_CREATE | XT_DRY_RUN, { words, bytes }), 'refused at once');
  });
});
