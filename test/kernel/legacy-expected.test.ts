// A commit of a legacy table that is conditional on what was looked at: done where nothing but counters has changed since, ERESTART and
// nothing done where anything has.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ERESTART } from '../../lib/errno.ts';
import type { IpFamily } from '../../lib/iptables/extensions/codec.ts';
import { TABLE_ABSENT } from '../../lib/iptables/legacy/commit.ts';
import { native, XT_CREATE, XT_DRY_RUN, XT_IP6 } from '../../lib/native.ts';
import { ConditionalCommits } from '../support/conditional-commit.ts';
import { ipFamilies } from '../support/iptables-programs.ts';
import { ownLockFile } from '../support/lock-file.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { failureOf } from '../support/nft.ts';
import { openTable } from '../support/raw-table.ts';

const lock = ownLockFile();
const forms = ['promise', 'sync'] as const;
const seed =
  '*filter\n:mine - [0:0]\n-A INPUT -p tcp -j mine\n-A OUTPUT -p udp -m comment --comment counted\n-A mine -p tcp -j DROP\nCOMMIT\n';

async function seeded(family: IpFamily, fn: (ns: TestNamespace, commits: ConditionalCommits) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    ns.mustSync(`${family}tables-legacy-restore`, [], { input: seed });
    using commits = new ConditionalCommits(ns.path, family);
    await fn(ns, commits);
  });
}

/** What the real program saves, counters left out. */
const saved = (ns: TestNamespace, family: IpFamily): string =>
  ns
    .mustSync(`${family}tables-legacy-save`, [])
    .replace(/^#.*\n/gm, '')
    .replace(/ \[\d+:\d+\]$/gm, '');
const tablesOf = (ns: TestNamespace, family: IpFamily): string[] =>
  ns
    .mustSync('cat', [`/proc/self/net/${family}_tables_names`])
    .split('\n')
    .filter(Boolean);
const packets = (ns: TestNamespace, family: IpFamily): bigint => openTable(ns, 'filter', family)?.packets.reduce((a, b) => a + b) ?? 0n;

/** It fails as a conditional commit of nf_tables does, and leaves what was there. */
async function assertOutdated(ns: TestNamespace, family: IpFamily, commit: () => Promise<number>): Promise<void> {
  const before = [saved(ns, family), ...tablesOf(ns, family)];
  const { code, errno, outcome, message } = await failureOf(commit);
  assert.deepEqual([code, errno, outcome], ['ERESTART', -ERESTART, 'not-applied']);
  assert.match(message, /changed by somebody since it was looked at; nothing was sent/);
  assert.deepEqual([saved(ns, family), ...tablesOf(ns, family)], before);
}

for (const family of ipFamilies) {
  const real = `${family}tables-legacy`;
  describe(`${family}: a commit that expects the table as it was`, () => {
    it('is done though packets were counted, and counters zeroed by somebody', async () => {
      await seeded(family, async (ns, commits) => {
        ns.up();
        const to = family === 'ip' ? '127.0.0.1' : '::1';
        for (const form of forms) {
          const expected = commits.look();
          const before = packets(ns, family);
          ns.runSync('bash', ['-c', `for i in 1 2 3 4 5; do echo -n hello > /dev/udp/${to}/9; done`]);
          assert.ok(packets(ns, family) > before, 'the traffic was counted');
          assert.equal(await commits.commit(form, expected, [commits.append('mine', `-p udp -m comment --comment ${form}`)]), 1);
          const zeroed = commits.look();
          ns.mustSync(real, ['-Z']);
          assert.equal(await commits.commit(form, zeroed, [commits.append('mine', `-p sctp -m comment --comment ${form}`)]), 1);
        }
        const rules = saved(ns, family).split('\n');
        assert.deepEqual(
          rules.filter((line) => /promise|sync/.test(line)),
          forms.flatMap((form) => ['udp', 'sctp'].map((p) => `-A mine -p ${p} -m comment --comment ${form}`)),
        );
      });
    });

    const changes: readonly (readonly [what: string, ...command: readonly string[]])[] = [
      ['a rule added', '-A', 'INPUT', '-p', 'udp', '-j', 'DROP'],
      ['a rule replaced by one of the same length', '-R', 'mine', '1', '-p', 'tcp', '-j', 'ACCEPT'],
      ['a rule deleted', '-D', 'INPUT', '1'],
      ['a chain made', '-N', 'theirs'],
      ['a chain renamed', '-E', 'mine', 'them'],
      ['a policy', '-P', 'FORWARD', 'DROP'],
    ];
    for (const [what, ...command] of changes) {
      it(`fails, ${what} in between`, async () => {
        for (const form of forms) {
          await seeded(family, async (ns, commits) => {
            const expected = commits.look();
            ns.mustSync(real, command);
            const rule = commits.append('OUTPUT', '-p icmp -j DROP');
            await assertOutdated(ns, family, () => commits.commit(form, expected, [rule]));
            await assertOutdated(ns, family, () => commits.commit(form, expected, [rule], { dryRun: true }));
            // Whatever the commands would have done: nothing, or fail.
            await assertOutdated(ns, family, () => commits.commit(form, expected, [{ verb: 'deleteChain', chain: 'nowhere' }]));
            await assertOutdated(ns, family, () => commits.commit(form, TABLE_ABSENT, [rule]));
            assert.equal(await commits.commit(form, commits.look(), [rule]), 1);
            assert.match(saved(ns, family), /^-A OUTPUT -p icmp -j DROP$/m);
          });
        }
      });
    }

    it('is done where the change was taken back', async () => {
      await seeded(family, async (ns, commits) => {
        const expected = commits.look();
        ns.mustSync(real, ['-A', 'INPUT', '-p', 'udp', '-j', 'DROP']);
        ns.mustSync(real, ['-D', 'INPUT', '-p', 'udp', '-j', 'DROP']);
        assert.equal(await commits.commit('sync', expected, [commits.append('mine', '-p udp')]), 1);
      });
    });

    it('fails where the table is another, or gone; and makes none', async () => {
      await seeded(family, async (_, commits) => {
        const expected = commits.look();
        await withNamespace(async (ns) => {
          using elsewhere = new ConditionalCommits(ns.path, family);
          for (const form of forms) {
            const commit = () => elsewhere.commit(form, expected, [elsewhere.append('INPUT', '-p udp')]);
            assert.equal((await failureOf(commit)).code, 'ERESTART');
            assert.deepEqual(tablesOf(ns, family), []);
          }
        });
      });
    });
  });

  describe(`${family}: a commit that expects no table`, () => {
    it('makes it, or nothing where nothing needs it', async () => {
      for (const form of forms) {
        await withNamespace(async (ns) => {
          using commits = new ConditionalCommits(ns.path, family);
          assert.deepEqual(commits.look(), TABLE_ABSENT);
          const flush = { verb: 'flushChain', chain: undefined } as const;
          await commits.commit(form, TABLE_ABSENT, [flush]);
          await commits.commit(form, TABLE_ABSENT, [commits.append('INPUT', '-p udp')], { dryRun: true });
          assert.deepEqual(tablesOf(ns, family), []);
          assert.equal(await commits.commit(form, TABLE_ABSENT, [commits.append('INPUT', '-p udp')]), 1);
          assert.match(saved(ns, family), /^-A INPUT -p udp$/m);
          await assertOutdated(ns, family, () => commits.commit(form, TABLE_ABSENT, [commits.append('INPUT', '-p tcp')]));
        });
      }
    });

    it('fails where somebody has made it in between, empty or not', async () => {
      for (const form of forms) {
        for (const command of [['-A', 'INPUT', '-p', 'udp', '-j', 'DROP'], ['-S']]) {
          await withNamespace(async (ns) => {
            using commits = new ConditionalCommits(ns.path, family);
            const expected = commits.look();
            ns.mustSync(real, command);
            await assertOutdated(ns, family, () => commits.commit(form, expected, [commits.append('INPUT', '-p tcp')]));
            // Another table of the namespace is another matter.
            assert.equal(await commits.commit(form, TABLE_ABSENT, [commits.append('OUTPUT', '-p tcp')], { table: 'mangle' }), 1);
          });
        }
      }
    });
  });

  it(`${family}: the native call checks under the lock, whether or not it may make the table`, async () => {
    await withNamespace(async (ns) => {
      const opened = native().openSync(ns.path);
      if (opened.failure !== undefined) assert.fail(JSON.stringify(opened.failure));
      const { connection: c } = opened;
      const bits = family === 'ip' ? 0 : XT_IP6;
      const commit = (flags: number, expected: unknown) =>
        c.xtCommitSync(bits | flags, 'filter', lock, new Uint32Array(0), new Uint8Array(0), expected as Uint8Array);
      const answer = (flags: number, expected: Uint8Array): string => {
        const { failure, outdated, missing } = commit(flags, expected);
        assert.equal(failure, undefined);
        return outdated === true ? 'outdated' : missing === true ? 'missing' : 'done';
      };
      const [anything, absent, another] = [new Uint8Array(0), Uint8Array.of(255), new Uint8Array(16)];
      for (const flags of [0, XT_CREATE, XT_DRY_RUN]) assert.equal(answer(flags, another), 'outdated');
      assert.equal(answer(0, anything), 'missing');
      assert.equal(answer(0, absent), 'missing');
      for (const size of [2, 8, 15, 17, 32]) assert.throws(() => commit(XT_CREATE, new Uint8Array(size)), TypeError, `${size}`);
      for (const bad of [undefined, null, 'x', [1], new Uint32Array(4), new ArrayBuffer(16)])
        assert.throws(() => commit(XT_CREATE, bad), TypeError);
      assert.deepEqual(tablesOf(ns, family), []);
      assert.equal(answer(XT_CREATE, absent), 'done');
      assert.deepEqual(tablesOf(ns, family), ['filter']);
      const { digest = another } = c.xtReadSync(bits, 'filter', '', anything);
      for (const flags of [0, XT_CREATE, XT_DRY_RUN]) {
        assert.equal(answer(flags, absent), 'outdated');
        assert.equal(answer(flags, another), 'outdated');
        assert.equal(answer(flags, digest), 'done');
        assert.equal(answer(flags, anything), 'done');
      }
      // Bytes amid those of a larger array.
      const within = new Uint8Array(40);
      within.set(digest, 3);
      assert.equal(answer(0, within.subarray(3, 19)), 'done');
      c.closeSync();
    });
  });
}
