// Chains through Iptables, judged by the real program: counters that stay, names that are taken, chains made, renamed and
// deleted in one transaction, and base chains that iptables does not see.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { Iptables } from '../../lib/index.ts';
import { realRules, withIptables } from '../support/iptables.ts';
import type { TestNamespace } from '../support/namespace.ts';

async function chainLines(ns: TestNamespace, table = 'filter'): Promise<string[]> {
  return (await ns.must('iptables-nft-save', ['-t', table])).split('\n').filter((line) => line.startsWith(':'));
}

describe('the counters of a builtin chain', () => {
  const counted = '*filter\n:INPUT DROP [7:8]\nCOMMIT\n';

  it('stay when a restore with noflush adds a rule, and a declared chain is zeroed: both as by the real program', async () => {
    for (const change of [
      '*filter\n-A INPUT -s 1.1.1.1\nCOMMIT\n',
      '*filter\n:INPUT ACCEPT [5:6]\nCOMMIT\n',
      '*filter\n:INPUT - [5:6]\nCOMMIT\n',
    ]) {
      for (const counters of [false, true]) {
        await withIptables(async (ipt, ns) => {
          await ns.must('iptables-nft-restore', ['-c'], { input: counted });
          await ipt.restore(change, { noflush: true, counters });
          const ours = [...(await chainLines(ns)), ...(await realRules(ns, 'filter'))];
          await ns.must('nft', ['flush', 'ruleset']);
          await ns.must('iptables-nft-restore', ['-c'], { input: counted });
          await ns.must('iptables-nft-restore', ['-n', ...(counters ? ['-c'] : [])], { input: change });
          assert.deepEqual(ours, [...(await chainLines(ns)), ...(await realRules(ns, 'filter'))], `${change} counters: ${counters}`);
        });
      }
    }
  });

  it('stay when a transaction makes another builtin chain, and when the policy is set', async () => {
    await withIptables(async (ipt, ns) => {
      await ns.must('iptables-nft-restore', ['-c'], { input: counted });
      const tx = ipt.transaction('filter');
      tx.append('INPUT', '-s 1.1.1.1');
      tx.append('OUTPUT', '-s 1.1.1.1');
      await tx.commit();
      assert.equal((await chainLines(ns))[0], ':INPUT DROP [7:8]');
      await ipt.setPolicy('filter', 'INPUT', 'ACCEPT');
      assert.equal((await chainLines(ns))[0], ':INPUT ACCEPT [7:8]');
    });
  });

  it('stay when the chain went away behind a connection that knew it', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.append('filter', 'INPUT', '-s 1.1.1.1');
      await ns.must('nft', ['flush', 'ruleset']);
      ipt.appendSync('filter', 'INPUT', '-s 1.1.1.2');
      await ipt.setPolicy('filter', 'FORWARD', 'DROP');
      assert.deepEqual(await realRules(ns, 'filter'), ['-A INPUT -s 1.1.1.2/32']);
      await ns.must('nft', ['flush', 'ruleset']);
      await ipt.setPolicy('filter', 'FORWARD', 'DROP');
      assert.match(await ns.must('iptables-nft-save'), /^:FORWARD DROP/m);
      for (const policy of ['-', 'DROP']) {
        await ns.must('nft', ['flush', 'ruleset']);
        await ipt.restore(`*filter\n:FORWARD ${policy} [3:4]\nCOMMIT\n`, { noflush: true, counters: true });
        assert.match(await ns.must('nft', ['list', 'ruleset']), /type filter hook forward/);
        assert.equal((await chainLines(ns))[1], `:FORWARD ${policy === '-' ? 'ACCEPT' : 'DROP'} [3:4]`);
      }
    });
  });
});

describe('names', () => {
  it('of builtin chains are taken', async () => {
    await withIptables(async (ipt, ns) => {
      await assert.rejects(ipt.newChain('filter', 'INPUT'), { code: 'EEXIST', outcome: 'not-applied' });
      await ipt.newChain('filter', 'X');
      await assert.rejects(ipt.renameChain('filter', 'X', 'OUTPUT'), { code: 'EEXIST' });
      await assert.rejects(ipt.renameChain('filter', 'INPUT', 'Y'), { code: 'ERR_INVALID_ARG', message: /builtin/ });
      assert.deepEqual(await chainLines(ns), [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':X - [0:0]']);
    });
  });

  it('of targets and verdicts are no chain’s', async () => {
    await withIptables(async (ipt, ns) => {
      for (const name of ['ACCEPT', 'QUEUE', 'LOG', 'NFQUEUE']) {
        await assert.rejects(ipt.newChain('filter', name), { code: 'ERR_INVALID_ARG', message: /clash/ });
        assert.notEqual((await ns.run('iptables-nft', ['-N', name])).code, 0);
        assert.throws(() => ipt.transaction('filter').renameChain('X', name), { code: 'ERR_INVALID_ARG', message: /clash/ });
      }
      for (const name of ['ACCEPT', 'LOG', 'tcp']) {
        const input = `*filter\n:${name} - [0:0]\nCOMMIT\n`;
        const real = await ns.run('iptables-nft-restore', ['-n'], { input });
        if (real.code === 0) await ipt.restore(input, { noflush: true });
        else await assert.rejects(ipt.restore(input, { noflush: true }), { code: 'ERR_RULE_SYNTAX', line: 2, word: name });
      }
    });
  });

  it('with a NUL, and what is no text at all, are refused in words', async () => {
    await withIptables(async (ipt) => {
      await assert.rejects(ipt.append('filter', 'IN\0PUT', '-j DROP'), { code: 'ERR_INVALID_ARG', message: /NUL/, outcome: 'not-applied' });
      assert.throws(() => ipt.appendSync('filter', undefined as never, '-j DROP'), { code: 'ERR_INVALID_ARG' });
      assert.throws(() => ipt.deleteChainSync('filter', undefined as never), { code: 'ERR_INVALID_ARG' });
      assert.throws(() => ipt.transaction('filter').append(undefined as never, '-j DROP'), { code: 'ERR_INVALID_ARG' });
      assert.throws(() => ipt.appendSync(6 as never, 'INPUT', '-j DROP'), { code: 'ERR_INVALID_ARG' });
    });
  });
});

describe('chains of one transaction', () => {
  it('may be deleted and made again, with rules by number', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.newChain('filter', 'X');
      const tx = ipt.transaction('filter');
      tx.deleteChain('X');
      tx.newChain('X');
      tx.append('X', '-s 1.1.1.1');
      tx.insert('X', 2, '-s 1.1.1.2');
      await tx.commit();
      assert.deepEqual(await realRules(ns, 'filter'), ['-A X -s 1.1.1.1/32', '-A X -s 1.1.1.2/32']);
    });
  });

  it('go by their new names once renamed, in jumps too', async () => {
    await withIptables(async (ipt, ns) => {
      await ns.must('iptables-nft-restore', [], { input: '*filter\n:OLD - [0:0]\n-A OLD -s 1.1.1.1\n-A OLD -s 1.1.1.2\nCOMMIT\n' });
      const tx = ipt.transaction('filter');
      tx.renameChain('OLD', 'NEW');
      tx.append('NEW', '-s 1.1.1.3');
      tx.delete('NEW', '-s 1.1.1.1');
      tx.insert('NEW', 2, '-s 1.1.1.4');
      tx.append('INPUT', '-j NEW');
      tx.newChain('FIRST');
      tx.append('FIRST', '-j NEW');
      tx.renameChain('FIRST', 'SECOND');
      tx.append('SECOND', '-s 1.1.1.5');
      tx.insert('SECOND', 2, '-s 1.1.1.6');
      tx.append('INPUT', '-g SECOND');
      await tx.commit();
      assert.deepEqual(await realRules(ns, 'filter'), [
        '-A INPUT -j NEW',
        '-A INPUT -g SECOND',
        '-A NEW -s 1.1.1.2/32',
        '-A NEW -s 1.1.1.4/32',
        '-A NEW -s 1.1.1.3/32',
        '-A SECOND -j NEW',
        '-A SECOND -s 1.1.1.6/32',
        '-A SECOND -s 1.1.1.5/32',
      ]);
      // A name given away is not free before the commit: the kernel says so, whatever else the batch makes of it.
      const swap = ipt.transaction('filter');
      swap.renameChain('NEW', 'OLD');
      swap.newChain('A');
      swap.renameChain('A', 'NEW');
      await assert.rejects(swap.commit(), { code: 'EEXIST', outcome: 'not-applied' });
      const wrong = ipt.transaction('filter');
      wrong.renameChain('NEW', 'NEWER');
      wrong.append('NEW', '-s 1.1.1.1');
      await assert.rejects(wrong.commit(), { code: 'ENOENT', message: /operation 1 .*renamed/ });
      const taken = ipt.transaction('filter');
      taken.newChain('NEW');
      taken.renameChain('NEW', 'OTHER');
      await assert.rejects(taken.commit(), (err: { code: string; operation: { index: number } }) => {
        assert.equal(err.code, 'EEXIST');
        assert.equal(err.operation.index, 0);
        return true;
      });
    });
  });

  it('with rules are not deleted, as by the real program', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.newChain('filter', 'X');
      await ipt.append('filter', 'X', '-s 1.1.1.1');
      await assert.rejects(ipt.deleteChain('filter', 'X'), { code: 'EBUSY', outcome: 'not-applied' });
      assert.notEqual((await ns.run('iptables-nft', ['-X', 'X'])).code, 0);
      await ipt.flushChain('filter', 'X');
      await ipt.deleteChain('filter', 'X');
    });
  });
});

describe('a base chain that iptables does not see', () => {
  it('is neither written nor shown, whichever verb', async () => {
    await withIptables(async (ipt, ns) => {
      const nft =
        'add table ip filter; add chain ip filter OUTPUT { type filter hook output priority 5; }; add rule ip filter OUTPUT accept';
      await ns.must('nft', [nft]);
      assert.equal((await ns.run('iptables-nft', ['-A', 'OUTPUT', '-j', 'ACCEPT'])).code, 4);
      for (const write of [
        ipt.append('filter', 'OUTPUT', '-j ACCEPT'),
        ipt.setPolicy('filter', 'OUTPUT', 'DROP'),
        ipt.flushChain('filter', 'OUTPUT'),
        ipt.restore('*filter\n-A OUTPUT -j DROP\nCOMMIT\n', { noflush: true }),
      ])
        await assert.rejects(write, { code: 'EOPNOTSUPP', outcome: 'not-applied' });
      assert.equal(await ipt.exists('filter', 'OUTPUT', '-j ACCEPT'), false);
      assert.equal((await ns.run('iptables-nft', ['-C', 'OUTPUT', '-j', 'ACCEPT'])).code, 1);
      assert.deepEqual(await ipt.list('filter', 'OUTPUT'), []);
      assert.doesNotMatch(await ipt.save(), /^-A/m);
      // What begins anew may take the name.
      await ipt.restore('*filter\n-A OUTPUT -j DROP\nCOMMIT\n');
      assert.deepEqual(await realRules(ns, 'filter'), ['-A OUTPUT -j DROP']);
      await ipt.append('filter', 'OUTPUT', '-j ACCEPT');
    });
  });

  it('has a builtin name and no hook: what no packet passes is not written, as by the real program', async () => {
    await withIptables(async (ipt, ns) => {
      await ns.must('nft', ['add table ip filter; add chain ip filter INPUT; add rule ip filter INPUT counter accept']);
      assert.equal((await ns.run('iptables-nft', ['-A', 'INPUT', '-j', 'DROP'])).code, 4);
      const before = await ns.must('nft', ['list', 'ruleset']);
      const tx = ipt.transaction('filter');
      tx.insert('INPUT', 1, '-j DROP');
      for (const write of [
        () => ipt.append('filter', 'INPUT', '-j DROP'),
        () => ipt.appendUnique('filter', 'INPUT', '-j DROP'),
        () => ipt.setPolicy('filter', 'INPUT', 'DROP'),
        () => ipt.flushChain('filter', 'INPUT'),
        () => ipt.delete('filter', 'INPUT', '-j ACCEPT'),
        () => ipt.restore('*filter\n:INPUT -\nCOMMIT\n', { noflush: true }),
        () => ipt.run('-A INPUT -j DROP'),
        () => tx.commit(),
      ])
        await assert.rejects(write(), { code: 'EOPNOTSUPP', outcome: 'not-applied', message: /no hook/ });
      assert.equal(await ipt.exists('filter', 'INPUT', '-j ACCEPT'), false);
      assert.deepEqual(await ipt.list('filter', 'INPUT'), []);
      assert.equal(await ns.must('nft', ['list', 'ruleset']), before);
      await ipt.append('filter', 'OUTPUT', '-j DROP');
    });
  });

  it('is noticed where it has taken the place of one that was there', async () => {
    const others = [
      'add chain ip filter INPUT',
      'add chain ip filter INPUT { type filter hook input priority 5; }',
      'add chain ip filter INPUT { type filter hook output priority 0; }',
    ];
    await withIptables(async (ipt, ns) => {
      for (const other of others) {
        await ipt.append('filter', 'INPUT', '-j ACCEPT');
        assert.equal(await ipt.exists('filter', 'INPUT', '-j ACCEPT'), true);
        await ns.must('nft', [`flush ruleset; add table ip filter; ${other}; add rule ip filter INPUT counter accept`]);
        const before = await ns.must('nft', ['list', 'ruleset']);
        assert.equal(await ipt.exists('filter', 'INPUT', '-j ACCEPT'), false, other);
        assert.deepEqual(await ipt.list('filter', 'INPUT'), [], other);
        await assert.rejects(ipt.append('filter', 'INPUT', '-j DROP'), { code: 'EOPNOTSUPP', outcome: 'not-applied' }, other);
        assert.equal(await ns.must('nft', ['list', 'ruleset']), before);
        await ns.must('nft', ['flush ruleset']);
      }
      await ipt.append('filter', 'INPUT', '-j DROP');
      // Our own restore has taken it away.
      await ipt.restore('*filter\n-A OUTPUT -j DROP\nCOMMIT\n');
      await ipt.restore('*filter\n:INPUT - [0:0]\nCOMMIT\n', { noflush: true });
      await ipt.append('filter', 'INPUT', '-j DROP');
      assert.match(await ns.must('nft', ['list', 'chain', 'ip', 'filter', 'INPUT']), /type filter hook input priority filter/);
      await ns.must('iptables-nft', ['-A', 'INPUT', '-j', 'ACCEPT']);
      await ipt.append('filter', 'INPUT', '-j LOG');
      assert.deepEqual(await realRules(ns, 'filter'), ['-A INPUT -j DROP', '-A INPUT -j ACCEPT', '-A INPUT -j LOG', '-A OUTPUT -j DROP']);
    });
  });

  it('costs no question as long as nobody else commits, and a busy neighbour no rule', async (t) => {
    await withIptables(async (ipt, ns) => {
      await ipt.append('filter', 'INPUT', '-s 1.1.1.1');
      await ipt.newChain('filter', 'X');
      const on = t.mock.method(Connection.prototype, 'on');
      const asked = async (verb: () => Promise<unknown>): Promise<string[]> => {
        on.mock.resetCalls();
        await verb();
        return on.mock.calls.map((call) => call.arguments[1]);
      };
      assert.deepEqual(await asked(() => ipt.append('filter', 'INPUT', '-s 1.1.1.2')), ['commit']);
      assert.deepEqual(await asked(() => ipt.append('filter', 'X', '-s 1.1.1.2')), ['commit']);
      assert.deepEqual(await asked(() => ipt.append('filter', 'INPUT', '-s 1.1.1.3')), ['commit']);
      assert.deepEqual(await asked(() => ipt.exists('filter', 'INPUT', '-s 1.1.1.3')), ['dump of rules']);
      assert.deepEqual(await asked(() => ipt.deleteAt('filter', 'INPUT', 1)), ['generation', 'dump of rules', 'commit']);
      assert.deepEqual(await asked(() => ipt.append('filter', 'INPUT', '-s 1.1.1.1')), ['commit']);
      assert.deepEqual(await asked(() => ipt.flushChain('filter', 'INPUT')), ['commit']);
      await ns.must('nft', ['add table inet other']);
      const again = await asked(() => ipt.append('filter', 'INPUT', '-s 1.1.1.4'));
      assert.deepEqual(again.at(-1), 'commit');
      assert.ok(again.length <= 4, again.join(', '));
      assert.deepEqual(await asked(() => ipt.append('filter', 'INPUT', '-s 1.1.1.5')), ['commit']);
      on.mock.restore();
      const writers = await Promise.all(
        Array.from({ length: 4 }, () => Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } })),
      );
      const each = Array.from({ length: 50 }, (_, i) => i);
      await Promise.all(writers.map((w, n) => Promise.all(each.map((i) => w.append('filter', 'OUTPUT', `-s 10.0.${n}.${i}`)))));
      for (const w of writers) await w.close();
      assert.equal((await ipt.list('filter', 'OUTPUT')).length, 200);
    });
  });

  it('loses its rules when the table is flushed, as with the real program', async () => {
    const nft =
      'add table ip filter; add chain ip filter OUTPUT { type filter hook output priority 5; }; add rule ip filter OUTPUT accept; ' +
      'add chain ip filter X; add rule ip filter X accept; add chain ip filter GONE';
    await withIptables(async (ipt, ns) => {
      await ns.must('nft', [nft]);
      await ns.must('iptables-nft', ['-F']);
      const wanted = await ns.must('nft', ['list', 'ruleset']);
      await ns.must('nft', ['flush', 'ruleset']);
      await ns.must('nft', [nft]);
      await ipt.flushChain('filter');
      assert.equal(await ns.must('nft', ['list', 'ruleset']), wanted);
      const tx = ipt.transaction('filter');
      tx.deleteChain('GONE');
      tx.newChain('Y');
      tx.append('Y', '-j DROP');
      tx.append('INPUT', '-j DROP');
      tx.flushChain();
      tx.append('Y', '-j ACCEPT');
      await tx.commit();
      assert.deepEqual(await realRules(ns, 'filter'), ['-A Y -j ACCEPT']);
    });
  });

  it('has no list under a name of its own', async () => {
    await withIptables(async (ipt, ns) => {
      await ns.must('nft', ['add table ip filter; add chain ip filter early { type filter hook input priority -5; }']);
      await assert.rejects(ipt.list('filter', 'early'), { code: 'EOPNOTSUPP' });
      assert.deepEqual(await ipt.listChains('filter'), ['INPUT', 'FORWARD', 'OUTPUT']);
    });
  });
});

describe('verbs of their own', () => {
  it('insert, replace and delete by number', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.insert('filter', 'INPUT', 1, '-s 1.1.1.1,1.1.1.2');
      ipt.insertSync('filter', 'INPUT', 2, '-s 1.1.1.3');
      await ipt.replace('filter', 'INPUT', 1, '-s 1.1.1.4');
      ipt.deleteAtSync('filter', 'INPUT', 3);
      assert.deepEqual(await realRules(ns, 'filter'), ['-A INPUT -s 1.1.1.4/32', '-A INPUT -s 1.1.1.3/32']);
      await assert.rejects(ipt.replace('filter', 'INPUT', 3, '-s 1.1.1.4'), { code: 'E2BIG' });
      await assert.rejects(ipt.replace('filter', 'INPUT', 1, '-s 1.1.1.4,1.1.1.5'), { code: 'ERR_INVALID_ARG' });
      await assert.rejects(ipt.deleteAt('filter', 'INPUT', 0), { code: 'ERR_INVALID_ARG' });
    });
  });

  it('write only where it is needed, and say whether they did', async () => {
    await withIptables(async (ipt, ns) => {
      assert.equal(await ipt.appendUnique('filter', 'INPUT', '-s 1.1.1.1'), true);
      assert.equal(ipt.appendUniqueSync('filter', 'INPUT', '-s 1.1.1.1'), false);
      assert.equal(await ipt.insertUnique('filter', 'INPUT', 1, '-s 1.1.1.2'), true);
      assert.equal(ipt.insertUniqueSync('filter', 'INPUT', 1, '-s 1.1.1.1'), false);
      assert.deepEqual(await realRules(ns, 'filter'), ['-A INPUT -s 1.1.1.2/32', '-A INPUT -s 1.1.1.1/32']);
      assert.equal(await ipt.deleteIfExists('filter', 'INPUT', '-s 1.1.1.1'), true);
      assert.equal(ipt.deleteIfExistsSync('filter', 'INPUT', '-s 1.1.1.1'), false);
      assert.equal(await ipt.deleteIfExists('nat', 'NOWHERE', '-s 1.1.1.1'), false);
      assert.equal(await ipt.ensureChain('filter', 'X'), true);
      assert.equal(ipt.ensureChainSync('filter', 'X'), false);
      assert.equal(await ipt.ensureChain('filter', 'INPUT'), false);
      assert.equal((await ns.run('nft', ['list', 'table', 'ip', 'nat'])).code, 1, 'looking creates nothing');
      assert.deepEqual(await ipt.listChains('filter'), ['INPUT', 'FORWARD', 'OUTPUT', 'X']);
      assert.deepEqual(ipt.listChainsSync('nat'), ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']);
    });
  });

  it('add a rule once, however many try at a time', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.append('filter', 'INPUT', '-s 9.9.9.9');
      const others = await Promise.all(
        Array.from({ length: 4 }, () => Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } })),
      );
      const added = await Promise.all(others.map((other) => other.appendUnique('filter', 'INPUT', '-s 1.1.1.1')));
      for (const other of others) await other.close();
      assert.equal(added.filter((yes) => yes).length, 1);
      assert.equal((await realRules(ns, 'filter')).length, 2);
    });
  });
});
