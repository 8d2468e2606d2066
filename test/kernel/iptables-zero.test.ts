// Counters put to zero through Iptables, judged by what the kernel then holds and by the real program.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Iptables } from '../../lib/index.ts';
import { withIptables } from '../support/iptables.ts';
import type { TestNamespace } from '../support/namespace.ts';

const counted = `*filter
:INPUT DROP [1:2]
:FORWARD ACCEPT [3:4]
:one - [0:0]
:two - [0:0]
[5:6] -A INPUT -p tcp --dport 22 -m comment --comment "a b" -j one
[7:8] -A INPUT -s 10.0.0.0/8 -m limit --limit 5/min -j LOG
[0:0] -A one -j two
[9:10] -A one -p tcp -j REJECT --reject-with tcp-reset
[11:12] -A two -j DROP
COMMIT
`;

async function state(ns: TestNamespace): Promise<{ text: string; handles: string[] }> {
  const listing = await ns.must('nft', ['-a', 'list', 'ruleset']);
  const save = await ns.must('iptables-nft-save', ['-c', '-t', 'filter']);
  return {
    text: save.replace(/^#.*\n/gm, ''),
    handles: [...listing.matchAll(/# handle (\d+)/g)].map((m) => m[1] ?? ''),
  };
}

async function zeroed(what: (ipt: Iptables) => Promise<void>): Promise<{ before: string; after: string; sameHandles: boolean }> {
  let out = { before: '', after: '', sameHandles: false };
  await withIptables(async (ipt, ns) => {
    await ipt.restore(counted, { counters: true });
    const before = await state(ns);
    await what(ipt);
    const after = await state(ns);
    out = { before: before.text, after: after.text, sameHandles: before.handles.join() === after.handles.join() };
  });
  return out;
}

const none = (text: string): string => text.replace(/\[\d+:\d+\]/g, '[0:0]');

describe('zero', () => {
  it('of a table: rules and builtin chains count from zero, and keep their places, texts and handles', async () => {
    const { before, after, sameHandles } = await zeroed((ipt) => ipt.zero('filter'));
    assert.notEqual(before, none(before));
    assert.equal(after, none(before));
    assert.ok(sameHandles);
  });

  it('of a chain: no other is touched', async () => {
    const input = await zeroed((ipt) => ipt.zero('filter', 'INPUT'));
    const expected = input.before.replace(/^(:INPUT.*|\[.*-A INPUT.*)$/gm, none);
    assert.equal(input.after, expected);
    const one = await zeroed((ipt) => ipt.zero('filter', 'one'));
    assert.equal(one.after, one.before.replace(/^\[.*-A one.*$/gm, none));
  });

  it('of a chain that is not there: ENOENT; of a builtin chain or table that is not: nothing happens', async () => {
    await withIptables(async (ipt, ns) => {
      await assert.rejects(ipt.zero('filter', 'nope'), { code: 'ENOENT' });
      await ipt.zero('filter');
      await ipt.zero('nat', 'PREROUTING');
      assert.throws(() => ipt.zeroSync('filter', 'nope'), { code: 'ENOENT' });
      assert.equal(await ns.must('nft', ['list', 'ruleset']), '');
    });
  });

  it('in a transaction: rules and chains of the same batch too', async () => {
    const { after } = await zeroed(async (ipt) => {
      const tx = ipt.transaction('filter');
      tx.renameChain('one', 'other');
      tx.newChain('new');
      tx.append('new', '-c 3 4 -j DROP');
      tx.append('two', '-c 3 4 -s 1.1.1.1');
      tx.zero();
      tx.append('new', '-c 5 6 -j ACCEPT');
      await tx.commit();
    });
    assert.deepEqual(
      after.split('\n').filter((line) => !line.startsWith('[0:0]')),
      [
        ...[
          '*filter',
          ':INPUT DROP [0:0]',
          ':FORWARD ACCEPT [0:0]',
          ':OUTPUT ACCEPT [0:0]',
          ':new - [0:0]',
          ':other - [0:0]',
          ':two - [0:0]',
        ],
        ...['[5:6] -A new -j ACCEPT', 'COMMIT', ''],
      ],
    );
    assert.match(after, /^\[0:0\] -A new -j DROP\n\[5:6\] -A new -j ACCEPT$/m);
  });

  it('of a chain made and of one renamed in the same transaction', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.restore(counted, { counters: true });
      const tx = ipt.transaction('filter');
      tx.newChain('made');
      tx.append('made', '-c 3 4 -j DROP');
      tx.renameChain('made', 'last');
      tx.zero('last');
      tx.renameChain('two', 'zwei');
      tx.zero('zwei');
      await tx.commit();
      const { text } = await state(ns);
      assert.match(text, /^\[0:0\] -A last -j DROP$/m);
      assert.match(text, /^\[0:0\] -A zwei -j DROP$/m);
      assert.match(text, /^\[9:10\] -A other|^\[9:10\] -A one/m);
    });
  });

  it('on legacy tables, alone and in a transaction', async () => {
    await withIptables(
      async (ipt, ns) => {
        await ipt.zero('filter');
        assert.deepEqual(await ipt.run('-Z'), { stdout: '', changed: false });
        await ipt.restore(counted, { counters: true });
        await ipt.zero('filter', 'INPUT');
        const lines = async (): Promise<string> => (await ns.must('iptables-legacy-save', ['-c', '-t', 'filter'])).replace(/^#.*\n/gm, '');
        // libiptc takes the counters of the other builtin chains along, but not those of their rules.
        const left = ['[9:10] -A one -p tcp -j REJECT --reject-with tcp-reset', '[11:12] -A two -j DROP'];
        assert.deepEqual((await lines()).match(/\[(?!0:0).*/g), left);
        const tx = ipt.transaction('filter');
        tx.append('two', '-s 1.1.1.1');
        tx.zero();
        tx.append('two', '-s 2.2.2.2 -c 1 2');
        await tx.commit();
        assert.deepEqual((await lines()).match(/\[(?!0:0).*/g), ['[1:2] -A two -s 2.2.2.2/32']);
      },
      { backend: 'legacy' },
    );
  });

  it('keeps what nft wrote beside a rule', async () => {
    await withIptables(async (ipt, ns) => {
      await ns.must('nft', ['add table ip filter; add chain ip filter INPUT { type filter hook input priority 0; }']);
      await ns.must('nft', ['add rule ip filter INPUT tcp dport 5 counter packets 3 bytes 4 accept comment "kept"']);
      await ipt.zero('filter', 'INPUT');
      assert.match(await ns.must('nft', ['list', 'ruleset']), /tcp dport 5 counter packets 0 bytes 0 accept comment "kept"/);
    });
  });
});
