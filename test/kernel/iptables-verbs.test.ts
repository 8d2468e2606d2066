// The verbs of Iptables on nf_tables, judged by the real program.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables, type IptablesRule, rule } from '../../lib/index.ts';
import { backends, program, realRules, withIptables } from '../support/iptables.ts';

const ssh = '-p tcp --dport 22 -m comment --comment "ssh for ops" -j ACCEPT';
const savedSsh = '-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "ssh for ops" -j ACCEPT';

describe('append, exists, delete', () => {
  it('make table and builtin chain on the way, as iptables does', async () => {
    await withIptables(async (ipt, ns) => {
      assert.equal(await ipt.exists('filter', 'INPUT', ssh), false);
      assert.equal((await ns.must('nft', ['list', 'ruleset'])).trim(), '', 'looking creates nothing');
      await ipt.append('filter', 'INPUT', ssh);
      assert.deepEqual(await realRules(ns, 'filter'), [savedSsh]);
      assert.equal(await ipt.exists('filter', 'INPUT', ssh), true);
      await ns.must('iptables-nft', ['-P', 'INPUT', 'DROP']);
      await ipt.append('filter', 'INPUT', '-j LOG');
      assert.match(await ns.must('iptables-nft-save'), /^:INPUT DROP/m, 'a second append leaves the policy');
      await ipt.delete('filter', 'INPUT', rule`-p ${'tcp'} -m tcp --dport ${22} -m comment --comment ${'ssh for ops'} -j ACCEPT`);
      assert.deepEqual(await realRules(ns, 'filter'), ['-A INPUT -j LOG']);
    });
  });

  it('have sync twins that do the same', async () => {
    await withIptables(async (ipt, ns) => {
      ipt.appendSync('nat', 'POSTROUTING', '-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE');
      assert.equal(ipt.existsSync('nat', 'POSTROUTING', '-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'), true);
      assert.deepEqual(ipt.listSync('nat', 'POSTROUTING').map(String), ['-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE']);
      assert.match(ipt.saveSync(), /^-A POSTROUTING -s 172\.17\.0\.0\/16 ! -o docker0 -j MASQUERADE$/m);
      assert.equal(ipt.countersSync({ table: 'nat' }).length, 1);
      ipt.deleteSync('nat', 'POSTROUTING', '-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE');
      assert.deepEqual(await realRules(ns, 'nat'), []);
    });
  });

  it('expand a list of addresses to several rules, all or none', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.append('filter', 'FORWARD', '-s 10.0.0.1,10.0.0.2 -j DROP');
      assert.deepEqual(await realRules(ns, 'filter'), ['-A FORWARD -s 10.0.0.1/32 -j DROP', '-A FORWARD -s 10.0.0.2/32 -j DROP']);
      assert.equal(await ipt.exists('filter', 'FORWARD', '-s 10.0.0.2,10.0.0.1 -j DROP'), true);
      assert.equal(await ipt.exists('filter', 'FORWARD', '-s 10.0.0.1,10.0.0.3 -j DROP'), false);
      await assert.rejects(ipt.delete('filter', 'FORWARD', '-s 10.0.0.1,10.0.0.3 -j DROP'), { code: 'ENOENT', outcome: 'not-applied' });
      assert.equal((await realRules(ns, 'filter')).length, 2);
    });
  });

  it('take a comment full of quotes, blanks and options as one word', async () => {
    await withIptables(async (ipt, ns) => {
      const nasty = `it's "quoted" \\ -j ACCEPT --dport 1 # ; $(x)`;
      await ipt.append('filter', 'OUTPUT', rule`-m comment --comment ${nasty} -j DROP`);
      const [installed] = await ipt.list('filter', 'OUTPUT');
      assert.equal(installed?.comment, nasty);
      assert.deepEqual(await realRules(ns, 'filter'), [`-A OUTPUT ${installed}`]);
      const line = (await realRules(ns, 'filter'))[0] ?? '';
      await ns.must('iptables-nft-restore', [], { input: `*filter\n${line}\nCOMMIT\n` });
      assert.equal(await ipt.exists('filter', 'OUTPUT', rule`-m comment --comment ${nasty} -j DROP`), true);
    });
  });
});

describe('a transaction', () => {
  it('resolves numbers and rules against the chain as it becomes, and gives handles', async () => {
    await withIptables(async (ipt, ns) => {
      const input = '*filter\n:USER - [0:0]\n-A USER -j LOG\n-A USER -p tcp -j ACCEPT\n-A USER -p udp -j ACCEPT\nCOMMIT\n';
      await ns.must('iptables-nft-restore', [], { input });
      const tx = ipt.transaction('filter');
      tx.insert('USER', 2, '-p icmp -j ACCEPT');
      tx.replace('USER', 1, '-j LOG --log-prefix changed');
      tx.delete('USER', '-p udp -j ACCEPT');
      const appended = tx.append('USER', '-j DROP');
      tx.insert('USER', 1, '-s 10.0.0.0/8 -j RETURN');
      tx.replace('USER', 1, '-s 10.1.0.0/16 -j RETURN');
      tx.deleteAt('USER', 4);
      tx.newChain('OTHER');
      tx.append('OTHER', '-j USER');
      tx.setPolicy('FORWARD', 'DROP');
      const result = await tx.commit();
      assert.deepEqual(await realRules(ns, 'filter'), [
        '-A OTHER -j USER',
        '-A USER -s 10.1.0.0/16 -j RETURN',
        '-A USER -j LOG --log-prefix changed',
        '-A USER -p icmp -j ACCEPT',
        '-A USER -j DROP',
      ]);
      assert.equal(result.handle(appended), (await ipt.list('filter', 'USER'))[3]?.handle);
      assert.match(await ns.must('iptables-nft-save'), /^:FORWARD DROP/m);
      const second = ipt.transaction('filter');
      second.renameChain('OTHER', 'RENAMED');
      second.flushChain('USER');
      await second.commit();
      assert.deepEqual(await realRules(ns, 'filter'), ['-A RENAMED -j USER']);
    });
  });

  it('that fails changes nothing and names the command by its number', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.append('filter', 'INPUT', ssh);
      const tx = ipt.transaction('filter');
      tx.append('INPUT', '-j DROP');
      tx.append('NOWHERE', '-j DROP');
      tx.append('INPUT', '-j NOWHERE_EITHER');
      await assert.rejects(
        tx.commit(),
        (err: { code: string; outcome: string; failures: { operation: { index: number; verb: string } }[] }) => {
          assert.equal(err.code, 'ENOENT');
          assert.equal(err.outcome, 'not-applied');
          assert.deepEqual(
            err.failures.map((f) => f.operation.index),
            [1, 2],
          );
          return true;
        },
      );
      assert.deepEqual(await realRules(ns, 'filter'), [savedSsh]);
    });
  });

  it('checks without applying, in a namespace that has no table yet as well', async () => {
    await withIptables(async (ipt, ns) => {
      const tx = ipt.transaction('mangle');
      tx.append('PREROUTING', '-j MARK --set-mark 1');
      await tx.check();
      assert.equal((await ns.must('nft', ['list', 'ruleset'])).trim(), '');
      await tx.commit();
      assert.deepEqual(await realRules(ns, 'mangle'), ['-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff']);
    });
  });
});

describe('a commit that fails', () => {
  it('before anything was sent leaves the transaction open, in both forms', async () => {
    await withIptables(async (ipt) => {
      for (const form of ['commit', 'commitSync'] as const) {
        const tx = ipt.transaction('filter');
        tx.append('INPUT', '-s 1.1.1.1');
        tx.deleteAt('FORWARD', 9);
        await assert.rejects(async () => await tx[form](), { code: 'E2BIG', message: /nothing was sent/ });
        await assert.rejects(async () => await tx[form](), { code: 'E2BIG' });
      }
      const tx = ipt.transaction('filter');
      tx.append('INPUT', '-s 1.1.1.1');
      await assert.rejects(tx.commit({ signal: AbortSignal.abort() }), { name: 'AbortError' });
      const other = ipt.append('filter', 'INPUT', '-s 2.2.2.2');
      assert.throws(() => tx.commitSync(), { code: 'ERR_BUSY' });
      await other;
      const first = tx.commit();
      await assert.rejects(tx.commit(), { code: 'ERR_TRANSACTION_DONE', message: /being committed/ });
      assert.throws(() => tx.append('INPUT', '-j DROP'), { code: 'ERR_TRANSACTION_DONE' });
      await first;
      assert.throws(() => tx.commitSync(), { code: 'ERR_TRANSACTION_DONE', message: /already sent/ });
      assert.equal((await ipt.list('filter', 'INPUT')).length, 2);
    });
  });

  it('in the kernel ends it, in both forms', async () => {
    await withIptables(async (ipt) => {
      for (const form of ['commit', 'commitSync'] as const) {
        const tx = ipt.transaction('filter');
        tx.append('NOWHERE', '-s 1.1.1.1');
        await assert.rejects(async () => await tx[form](), { code: 'ENOENT' });
        await assert.rejects(async () => await tx[form](), { code: 'ERR_TRANSACTION_DONE', message: /already sent/ });
      }
    });
  });

  it('has no part in what was checked before', async () => {
    await withIptables(async (ipt) => {
      const tx = ipt.transaction('filter');
      tx.append('INPUT', '-s 1.1.1.1');
      const checked = tx.check();
      tx.append('NOWHERE', '-s 1.1.1.1');
      await checked;
      await assert.rejects(tx.commit(), { code: 'ENOENT' });
    });
  });
});

describe('bad input is refused before anything is sent', () => {
  const refused: readonly (readonly [what: string, table: string, chain: string, text: string, word: string])[] = [
    ['an unknown option', 'filter', 'INPUT', '-p tcp --dprot 22 -j ACCEPT', '--dprot'],
    ['a broken address', 'filter', 'INPUT', '-s 10.0.0.300 -j ACCEPT', '10.0.0.300'],
    ['a host name', 'filter', 'INPUT', '-s example.com -j ACCEPT', 'example.com'],
    ['an unknown match', 'filter', 'INPUT', '-m nosuch -j ACCEPT', 'nosuch'],
    ['a state that isn’t there', 'filter', 'INPUT', '-m conntrack --ctstate NEWW -j ACCEPT', 'NEWW'],
    ['an interface name too long', 'filter', 'INPUT', '-i abcdefghijklmnop -j ACCEPT', 'abcdefghijklmnop'],
    ['an outgoing interface in INPUT', 'filter', 'INPUT', '-o eth0 -j ACCEPT', '-o'],
  ];
  for (const [what, table, chain, text, word] of refused) {
    it(what, async () => {
      await withIptables(async (ipt, ns) => {
        await assert.rejects(ipt.append(table, chain, text), { name: 'RuleSyntaxError', code: 'ERR_RULE_SYNTAX', word });
        assert.throws(() => ipt.appendSync(table, chain, text), { code: 'ERR_RULE_SYNTAX', word });
        assert.equal((await ns.must('nft', ['list', 'ruleset'])).trim(), '');
      });
    });
  }

  it('an unknown table, a chain name too long, an ipset that isn’t there', async () => {
    await withIptables(async (ipt, ns) => {
      await assert.rejects(ipt.append('filtre', 'INPUT', ssh), { code: 'ERR_INVALID_ARG', message: /filtre/ });
      await assert.rejects(ipt.append('filter', 'C'.repeat(29), ssh), { code: 'ERR_INVALID_ARG', message: /C{29}.*28/ });
      await assert.rejects(ipt.append('filter', 'INPUT', '-m set --match-set nosuchset src -j DROP'), {
        code: 'ENOENT',
        outcome: 'not-applied',
        message: /nosuchset/,
      });
      assert.equal((await ns.must('nft', ['list', 'ruleset'])).trim(), '');
    });
  });

  for (const backend of backends) {
    it(`${backend}: a rule of a set can be looked at after close, and names no set then`, async () => {
      await withIptables(
        async (ipt, ns) => {
          await ns.must('ipset', ['create', 'one', 'hash:ip']);
          await ipt.append('filter', 'INPUT', '-m set --match-set one src -j DROP');
          const snapshots = [await ipt.snapshot(), await ipt.snapshot()] as const;
          assert.match(JSON.stringify(snapshots[0]), /"one"/);
          const other = await Iptables.open({ family: 'ip', backend, netns: { pid: ns.pid } });
          await ipt.close();
          assert.match(JSON.stringify(snapshots[0]), /"one"/);
          assert.match(JSON.stringify(snapshots[1]), /"\[set \d+\]"/);
          const [installed] = [...snapshots[1].rules()];
          assert.match(String(installed), /^-m set --match-set "\[set \d+\]" src -j DROP$/);
          await assert.rejects(other.append('filter', 'OUTPUT', installed as IptablesRule), { code: 'ENOENT', outcome: 'not-applied' });
          await other.close();
        },
        { backend },
      );
    });

    for (const family of ['ip', 'ip6'] as const) {
      it(`${program(backend, family)}: an ipset of the other family`, async () => {
        await withIptables(
          async (ipt, ns) => {
            await ns.must('ipset', ['create', 'four', 'hash:ip', 'family', 'inet']);
            await ns.must('ipset', ['create', 'six', 'hash:ip', 'family', 'inet6']);
            await ns.must('ipset', ['create', 'both', 'list:set']);
            const real = program(backend, family);
            for (const set of ['four', 'six', 'both']) {
              for (const rule of [`-m set --match-set ${set} src -j DROP`, `-j SET --add-set ${set} src`]) {
                const theirs = await ns.run(real, ['-A', 'INPUT', ...rule.split(' ')]);
                if (theirs.code === 0) {
                  // Each knows the other's rule.
                  assert.equal(await ipt.exists('filter', 'INPUT', rule), true, rule);
                  await ipt.append('filter', 'OUTPUT', rule);
                  await ns.must(real, ['-C', 'OUTPUT', ...rule.split(' ')]);
                } else {
                  const why = /The protocol family of set \w+ is IPv[46], which is not applicable/;
                  const said = why.exec(theirs.stderr)?.[0];
                  assert.ok(said, theirs.stderr);
                  await assert.rejects(ipt.append('filter', 'INPUT', rule), {
                    code: 'ERR_INVALID_ARG',
                    outcome: 'not-applied',
                    message: new RegExp(said),
                  });
                }
              }
            }
            const taken = (await ns.must(`${real}-save`)).split('\n').filter((line) => line.startsWith('-A '));
            assert.equal(taken.length, 8, 'two sets, a match and a target, ours and theirs');
          },
          { backend, family },
        );
      });
    }
  }

  for (const backend of backends) {
    it(`${program(backend)}: DROP in nat, but for a policy that save text declares`, async () => {
      await withIptables(
        async (ipt, ns) => {
          const no = { code: 'ERR_INVALID_ARG', outcome: 'not-applied', message: /"nat" table is not intended for filtering/ };
          await ipt.append('nat', 'PREROUTING', '-j RETURN');
          const before = await ns.must(`${program(backend)}-save`);
          await assert.rejects(ipt.append('nat', 'PREROUTING', '-j DROP'), no);
          assert.throws(() => ipt.insertSync('nat', 'PREROUTING', 1, { target: { name: 'DROP' } }), no);
          await assert.rejects(ipt.replace('nat', 'PREROUTING', 1, '-j DROP'), no);
          await assert.rejects(ipt.setPolicy('nat', 'PREROUTING', 'DROP'), no);
          const transaction = ipt.transaction('nat');
          transaction.append('OUTPUT', '-p tcp -j DROP');
          await assert.rejects(transaction.commit(), no);
          for (const line of [
            '-A PREROUTING -j DROP',
            '-I PREROUTING -j DROP',
            '-R PREROUTING 1 -j DROP',
            '-D PREROUTING -j DROP',
            '-P INPUT DROP',
          ]) {
            const text = `*nat\n${line}\nCOMMIT\n`;
            const real = await ns.run(`${program(backend)}-restore`, ['--noflush'], { input: text });
            assert.match(real.stderr, /"nat" table is not intended for filtering/, line);
            await assert.rejects(ipt.restore(text, { noflush: true }), no, line);
          }
          const bare = (text: string): string => text.replace(/^#.*\n/gm, '');
          assert.equal(bare(await ns.must(`${program(backend)}-save`)), bare(before));
          const declared = '*nat\n:OUTPUT DROP [0:0]\nCOMMIT\n';
          await ns.must(`${program(backend)}-restore`, ['--noflush'], { input: declared });
          await ipt.restore(declared, { noflush: true });
        },
        { backend },
      );
    });
  }

  it('a chain that isn’t there', async () => {
    await withIptables(async (ipt, ns) => {
      await assert.rejects(ipt.append('filter', 'NOWHERE', ssh), { code: 'ENOENT', outcome: 'not-applied' });
      await assert.rejects(ipt.list('filter', 'NOWHERE'), { code: 'ENOENT', message: /NOWHERE/ });
      assert.deepEqual(await ipt.list('filter', 'INPUT'), [], 'a builtin chain is there in the user’s eyes');
      assert.equal(await ipt.exists('filter', 'NOWHERE', ssh), false);
      assert.deepEqual(await realRules(ns, 'filter'), []);
    });
  });
});
