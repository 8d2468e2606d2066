// restore and save beyond the corpus: what is kept, what is refused, what is not iptables' own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '../../lib/index.ts';
import { tablesOf } from '../support/fixtures.ts';
import { realRules, withIptables } from '../support/iptables.ts';

const before = '*filter\n:INPUT DROP [3:4]\n:KEEP - [0:0]\n:CHANGE - [0:0]\n-A KEEP -j LOG\n-A CHANGE -j DROP\n-A INPUT -j KEEP\nCOMMIT\n';

describe('restore', () => {
  it('with noflush does what the real program does', async () => {
    const change = '*filter\n:CHANGE - [0:0]\n:NEW - [0:0]\n-A CHANGE -j ACCEPT\n-A NEW -p tcp -j CHANGE\n-A FORWARD -j NEW\nCOMMIT\n';
    await withIptables(async (ipt, ns) => {
      await ns.must('iptables-nft-restore', ['-c'], { input: before });
      await ipt.restore(change, { noflush: true });
      const ours = tablesOf(await ns.must('iptables-nft-save'));
      await ns.must('nft', ['flush', 'ruleset']);
      await ns.must('iptables-nft-restore', ['-c'], { input: before });
      await ns.must('iptables-nft-restore', ['--noflush'], { input: change });
      assert.deepEqual(ours, tablesOf(await ns.must('iptables-nft-save')));
    });
  });

  it('without noflush leaves nothing of the table, and other tables alone', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.restore(before);
      await ns.must('nft', ['add', 'table', 'inet', 'other']);
      await ipt.append('nat', 'OUTPUT', '-j RETURN');
      await ipt.restore('*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n');
      assert.deepEqual(await realRules(ns, 'filter'), ['-A INPUT -j ACCEPT']);
      assert.deepEqual(await realRules(ns, 'nat'), ['-A OUTPUT -j RETURN']);
      assert.match(await ns.must('nft', ['list', 'tables']), /table inet other/);
    });
  });

  it('is atomic over all tables of the text', async () => {
    await withIptables(async (ipt, ns) => {
      // Parses, and the kernel refuses it: tcp-reset without -p tcp.
      const text =
        '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j RETURN\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m socket --transparent -j DROP\nCOMMIT\n*raw\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m socket -j DROP\nCOMMIT\n';
      await assert.rejects(
        ipt.restore(text),
        (err: { code: string; outcome: string; operation?: { object: { rule: { line: number } } } }) => {
          assert.equal(err.outcome, 'not-applied');
          assert.equal(err.operation?.object.rule.line, 11);
          return true;
        },
      );
      assert.equal((await ns.must('nft', ['list', 'ruleset'])).trim(), '');
    });
  });

  it('with test sends a dry run, with table only that table', async () => {
    await withIptables(async (ipt, ns) => {
      const text = `${before}*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j RETURN\nCOMMIT\n`;
      assert.deepEqual(await ipt.restore(text, { test: true }), { tables: ['filter', 'nat'] });
      assert.equal((await ns.must('nft', ['list', 'ruleset'])).trim(), '');
      assert.deepEqual(await ipt.restore(compile(text), { table: 'nat' }), { tables: ['nat'] });
      assert.deepEqual([...tablesOf(await ns.must('iptables-nft-save')).keys()], ['nat']);
    });
  });

  const wrong: readonly (readonly [what: string, text: string, line: number, word: string])[] = [
    ['a rule before any table', '-A INPUT -j DROP\n', 1, '-A INPUT -j DROP'],
    ['an unknown table', '*filtre\nCOMMIT\n', 1, 'filtre'],
    ['a missing COMMIT', '*filter\n-A INPUT -j DROP\n', 3, ''],
    ['a bad policy', '*filter\n:INPUT REJECT [0:0]\nCOMMIT\n', 2, 'REJECT'],
    ['a policy of a user chain', '*filter\n:USER DROP [0:0]\nCOMMIT\n', 2, 'DROP'],
    ['broken counters', '*filter\n[1:x] -A INPUT -j DROP\nCOMMIT\n', 2, '[1:x]'],
    ['an undeclared chain', '*filter\n-A USER -j DROP\nCOMMIT\n', 2, 'USER'],
    ['a jump to an undeclared chain', '*filter\n-A INPUT -j USER\nCOMMIT\n', 2, 'USER'],
    ['an unknown option after a comment line', '# comment\n\n*filter\n-A INPUT -p tcp --dprot 1 -j DROP\nCOMMIT\n', 4, '--dprot'],
    ['a chain name too long', `*filter\n:${'C'.repeat(29)} - [0:0]\nCOMMIT\n`, 2, 'C'.repeat(29)],
  ];
  for (const [what, text, line, word] of wrong) {
    it(`names line and word of ${what}, and changes nothing`, async () => {
      await withIptables(async (ipt, ns) => {
        await assert.rejects(ipt.restore(text), { code: 'ERR_RULE_SYNTAX', line, word });
        assert.equal((await ns.must('nft', ['list', 'ruleset'])).trim(), '');
      });
    });
  }
});

describe('what iptables-nft would not understand', () => {
  it('is shown as foreign, named by save as the real program does, and not damaged by work beside it', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.append('filter', 'INPUT', '-j ACCEPT');
      await ns.must('nft', ['add', 'rule', 'ip', 'filter', 'INPUT', 'ct', 'mark', '5', 'drop']);
      const nft = await ns.must('nft', ['list', 'chain', 'ip', 'filter', 'INPUT']);
      const [own, foreign] = await ipt.list('filter', 'INPUT');
      assert.deepEqual(own?.spec, { counter: { packets: 0n, bytes: 0n }, target: { name: 'ACCEPT' } });
      assert.ok(foreign !== undefined && 'foreign' in foreign.spec);
      assert.deepEqual(
        foreign.spec.expressions.map((e) => e.type),
        ['ct', 'cmp', 'immediate'],
      );
      assert.equal(await ipt.save(), "# Table `filter' is incompatible, use 'nft' tool.\n");
      assert.match(await ns.must('iptables-nft-save'), /^# Table `filter' is incompatible, use 'nft' tool\.$/m);
      await ipt.append('filter', 'INPUT', '-p udp -j DROP');
      await ipt.delete('filter', 'INPUT', '-p udp -j DROP');
      assert.equal(await ns.must('nft', ['list', 'chain', 'ip', 'filter', 'INPUT']), nft);
    });
  });

  it('hides base chains that iptables didn’t register, and says so', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.append('filter', 'INPUT', '-j ACCEPT');
      await ns.must('nft', ['add', 'chain', 'ip', 'filter', 'early', '{ type filter hook input priority -5 ; }']);
      const lines = (text: string): string[] => text.split('\n').filter((l) => !/^# (Generated|Completed)/.test(l));
      assert.deepEqual(lines(await ipt.save()), lines(await ns.must('iptables-nft-save')));
      assert.match(await ipt.save(), /contains incompatible base-chains/);
    });
  });

  it('tables of nft stay out of snapshots and counters', async () => {
    await withIptables(async (ipt, ns) => {
      await ns.must('nft', ['-f', '-'], {
        input: 'table ip mine { chain c { counter accept; }; }\ntable ip aaa { chain c { counter accept; }; }\n',
      });
      await ipt.append('filter', 'INPUT', '-m comment --comment one -j ACCEPT');
      await ns.must('nft', ['-f', '-'], { input: 'table ip zzz { chain c { counter accept; }; }\n' });
      await ipt.append('filter', 'OUTPUT', '-m comment --comment two -j ACCEPT');
      assert.deepEqual(
        (await ipt.snapshot()).tables.map((t) => t.name),
        ['filter'],
      );
      const counters = await ipt.counters();
      assert.equal(counters.length, 2);
      assert.deepEqual(
        [0, 1].map((i) => [counters.row(i).chain, counters.row(i).comment, counters.chain[i]]),
        [
          ['INPUT', 'one', 0],
          ['OUTPUT', 'two', 1],
        ],
      );
      assert.equal(counters.indexOf({ comment: 'two' }), 1);
      assert.equal(counters.handles?.[1], (await ipt.list('filter', 'OUTPUT'))[0]?.handle);
    });
  });
});
