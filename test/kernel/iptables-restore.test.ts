// restore and save beyond the corpus: what is kept, what is refused, what is not iptables' own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile, NetfilterError, RuleSyntaxError } from '../../lib/index.ts';
import { tablesOf } from '../support/fixtures.ts';
import { backends, program, realRules, withIptables } from '../support/iptables.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

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

describe('lines of save text', () => {
  /** The same text through both programs, from the same beginning. */
  async function likeReal(text: string, o: { counters?: boolean; noflush?: boolean; before?: string } = {}): Promise<void> {
    await withIptables(async (ipt, ns) => {
      const start = async (): Promise<void> => {
        await ns.must('nft', ['flush', 'ruleset']);
        if (o.before !== undefined) await ns.must('iptables-nft-restore', ['-c'], { input: o.before });
      };
      const args = [...(o.counters === true ? ['-c'] : []), ...(o.noflush === true ? ['-n'] : [])];
      await start();
      const real = await ns.run('iptables-nft-restore', args, { input: text });
      const wanted = tablesOf(await ns.must('iptables-nft-save', ['-c']));
      await start();
      const settings = { counters: o.counters === true, noflush: o.noflush === true };
      if (real.code !== 0) {
        await assert.rejects(ipt.restore(text, settings), (err: { code: string; message: string }) => {
          assert.match(err.message, /line \d/, text);
          return true;
        });
      } else await ipt.restore(text, settings);
      assert.deepEqual(tablesOf(await ns.must('iptables-nft-save', ['-c'])), wanted, text);
    });
  }
  const table = (lines: string): string => `*filter\n${lines}\nCOMMIT\n`;

  const texts: readonly (readonly [what: string, lines: string])[] = [
    ['-c of a rule counts, with the option and without', '-A INPUT -c 5 6 -j ACCEPT'],
    ['counters before a rule', '[1:2] -A INPUT -j ACCEPT'],
    ['counters before a rule without a blank', '[1:2]-A INPUT -j ACCEPT'],
    [
      'every way to write a command',
      '-N FOO\n-P INPUT DROP\n-AINPUT -j FOO\n--append=INPUT -j FOO\n--append INPUT -j LOG\n-j RETURN -A INPUT\n-p tcp -I INPUT 2\n-F FOO',
    ],
    ['inserted addresses', '-I INPUT -s 1.1.1.1,2.2.2.2 -j ACCEPT'],
    ['a chain made and deleted', '-N FOO\n-X FOO'],
    ['a policy and counters of a user chain', ':FOO ACCEPT [0:0]\n:BAR DROP [1:2]\n:BAZ - [1:2]'],
    ['chains after rules', '-A INPUT -j ACCEPT\n:FOO - [0:0]\n-A FOO -j DROP\n:INPUT DROP [0:0]'],
    ['a jump before its chain', '-A INPUT -j FOO\n:FOO - [0:0]'],
    ['a chain without a policy', ':FOO'],
    ['a policy of no builtin chain', '-P FOO ACCEPT'],
    ['a builtin chain made', '-N INPUT'],
    ['a number too big', '-I INPUT 5 -j ACCEPT'],
    ['number 0', '-I INPUT 0 -j ACCEPT'],
    ['two commands', '-A INPUT -D INPUT -j ACCEPT'],
    ['a table in a line', '-A INPUT -t nat -j ACCEPT'],
    ['a rule for a command that has none', '-F INPUT -s 1.1.1.1'],
    ['a bad policy', '-P INPUT REJECT'],
    ['a rule that isn’t there', '-D INPUT -j ACCEPT'],
    ['a chain made twice', ':FOO - [0:0]\n-N FOO'],
  ];
  for (const [what, lines] of texts) it(`${what}: as the real program`, async () => await likeReal(table(lines)));
  it('counters that are restored: as the real program', async () => {
    for (const lines of [
      '[1:2] -A INPUT -c 5 6',
      '[1:2]-A INPUT -j ACCEPT',
      '[1:2] -I INPUT -j ACCEPT',
      ':INPUT ACCEPT [a:b]',
      ':INPUT ACCEPT [3:4]',
    ])
      await likeReal(table(lines), { counters: true });
  });
  it('changes of what is there, with noflush: as the real program', async () => {
    const there = '*filter\n:INPUT DROP [7:8]\n:FOO - [0:0]\n-A FOO -s 1.1.1.1\n-A FOO -s 1.1.1.2\n-A INPUT -j FOO\nCOMMIT\n';
    const changes = [
      '-D FOO -s 1.1.1.2',
      '-D FOO 1',
      '-I FOO 3 -s 1.1.1.3',
      '-R FOO 2 -s 1.1.1.3',
      '-F FOO',
      ':FOO - [0:0]',
      '-X FOO',
      '-A NOPE',
      '-A INPUT -j NOPE',
      '-F',
    ];
    for (const lines of changes) await likeReal(table(lines), { noflush: true, before: there });
  });

  it('that fail in the kernel are named by their number, and a jump names the chain it misses', async () => {
    await withIptables(async (ipt) => {
      await assert.rejects(ipt.restore(table('-A INPUT\n-A INPUT -j NOPE'), { noflush: true }), {
        code: 'ENOENT',
        message: /^line 3: no chain "NOPE"/,
      });
      await assert.rejects(ipt.append('filter', 'INPUT', '-j NOPE'), { code: 'ENOENT', message: /no chain "NOPE"/ });
      await assert.rejects(ipt.append('filter', 'INPUT', '-g NOPE'), { code: 'ENOENT', message: /no chain "NOPE"/ });
      await assert.rejects(ipt.restore(table('-A INPUT\n-A INPUT -m set --match-set nosuch src')), {
        code: 'ENOENT',
        message: /^line 3: .*nosuch/,
      });
      const tx = ipt.transaction('filter');
      tx.append('INPUT', '-j DROP');
      tx.append('INPUT', '-m set --match-set nosuch src');
      await assert.rejects(tx.commit(), { code: 'ENOENT', message: /^operation 1 .*nosuch/ });
      const many = ipt.transaction('filter');
      for (let i = 0; i < 3; i++) many.append('OUTPUT', `-j NOPE${i}`);
      await assert.rejects(many.commit(), { message: /and 2 more of 3 commands failed/ });
    });
  });

  it('say which word is wrong, and where it is', async () => {
    await withIptables(async (ipt) => {
      const twice = { code: 'ERR_RULE_SYNTAX', line: 2, word: '-c', wordIndex: 3, column: 16 };
      await assert.rejects(ipt.restore(table('[1:2] -A INPUT -c 5 6'), { counters: true }), twice);
      const places: readonly (readonly [line: string, word: string, wordIndex: number, column: number])[] = [
        ['-A INPUT -p tcp -j NOPE', 'NOPE', 5, 20],
        ['-A NOPE -p tcp', 'NOPE', 1, 4],
        ['[1:2] -A INPUT --out-interface eth0', '--out-interface', 3, 16],
        ['-A INPUT -p tcp --tcp-flags SYN FOO', 'FOO', 6, 33],
        ['-A INPUT -s 1.2.3.400', '1.2.3.400', 3, 13],
      ];
      for (const [line, word, wordIndex, column] of places)
        await assert.rejects(ipt.restore(table(line)), { code: 'ERR_RULE_SYNTAX', line: 2, word, wordIndex, column }, line);
      assert.throws(() => ipt.appendSync('filter', 'INPUT', '-p tcp --out-interface eth0'), {
        word: '--out-interface',
        wordIndex: 2,
        column: 8,
      });
      assert.throws(() => ipt.appendSync('filter', 'INPUT', { outInterface: 'eth0' }), {
        code: 'ERR_INVALID_ARG',
        message: /outInterface/,
      });
      assert.throws(() => ipt.appendSync('filter', 'INPUT', ['-p', 6] as never), { code: 'ERR_RULE_SYNTAX', wordIndex: 1 });
      for (const words of [
        ['-m', 'comment', '--comment', 'a\0b'],
        ['-m', 'set', '--match-set', 'A\0B', 'src'],
      ])
        assert.throws(() => ipt.appendSync('filter', 'INPUT', words), { code: 'ERR_RULE_SYNTAX', message: /NUL/ });
      assert.throws(() => ipt.appendSync('filter', 'INPUT', ['-m', 'comment', '--comment', 'a\nb']), {
        code: 'ERR_RULE_SYNTAX',
        message: /lines/,
      });
      assert.throws(() => ipt.appendSync('filter', 'INPUT', { target: { name: 'toString' as 'ACCEPT' } }), { code: 'ERR_INVALID_ARG' });
    });
  });

  it('may rename a chain of the text, which the real program cannot', async () => {
    await withIptables(async (ipt, ns) => {
      for (const make of [':FOO - [0:0]', '-N FOO']) {
        // A chain FOO of before must not be taken for the new one.
        await ipt.restore(table(':FOO - [0:0]\n-A FOO -j DROP'));
        await ipt.restore(table(`${make}\n-A FOO -s 1.1.1.1\n-E FOO BAR\n-I BAR 2 -s 1.1.1.2\n-A INPUT -j BAR\n-D BAR 1`));
        assert.deepEqual(await realRules(ns, 'filter'), ['-A INPUT -j BAR', '-A BAR -s 1.1.1.2/32']);
      }
    });
  });

  const kept = '*filter\n:FOO - [0:0]\n:BAR - [0:0]\n-A INPUT -j ACCEPT\n[5:6] -A INPUT -s 9.9.9.9\nCOMMIT\n';
  const lines: readonly (readonly [what: string, lines: string, outcome: 'taken' | 'refused'])[] = [
    ['-X', ':NEW - [0:0]\n-X\n-A INPUT -s 1.1.1.1', 'taken'],
    ['-X of chains that were made, and one made again', ':NEW - [0:0]\n-N OTHER\n-X\n-N NEW\n-A INPUT -j NEW', 'taken'],
    ['-X of a chain that is jumped to', ':NEW - [0:0]\n-A INPUT -j NEW\n-X', 'refused'],
    ['-X of a chain with rules', ':NEW - [0:0]\n-A NEW -j ACCEPT\n-X', 'refused'],
    ['-F, -X, -Z', ':NEW - [0:0]\n-F\n-X\n-Z\n-A INPUT -s 1.1.1.1', 'taken'],
    ['a rule of a chain that -X has deleted', ':NEW - [0:0]\n-X\n-A NEW -j ACCEPT', 'refused'],
    ['nothing', '', 'taken'],
    ['-Z', '-Z', 'taken'],
    ['-Z of a chain', ':INPUT ACCEPT [0:0]\n-Z INPUT', 'taken'],
    ['-Z of a chain that is not there', '-Z NOPE', 'refused'],
    ['-C of a rule of the text', '-A INPUT -s 2.2.2.2 -j ACCEPT\n-C INPUT -s 2.2.2.2 -j ACCEPT', 'taken'],
    ['-C of a rule that is not there', '-A INPUT -s 2.2.2.2\n-C INPUT -s 2.2.2.2 -j ACCEPT', 'refused'],
    ['-C of a rule that a line before deletes', '-A OUTPUT -p tcp\n-D OUTPUT -p tcp\n-C OUTPUT -p tcp', 'refused'],
    ['-L and -S', '-A INPUT -s 2.2.2.2\n-L INPUT\n-S', 'taken'],
    ['-L with -Z', ':INPUT ACCEPT [0:0]\n-L INPUT -Z', 'taken'],
  ];
  for (const backend of backends) {
    it(`that people write too, as ${program(backend)}-restore takes them`, async () => {
      // Of a table with nothing in it the programs leave or take away what they like.
      const plain = /^\*filter\n(?::\w+ ACCEPT \[0:0\]\n)*COMMIT\n$/;
      const saved = async (ns: TestNamespace): Promise<string> =>
        (await ns.must(`${program(backend)}-save`, ['-c'])).replace(/^#.*\n/gm, '').replace(plain, '');
      await withIptables(
        (ipt, mine) =>
          withNamespace(async (theirs) => {
            for (const noflush of [true, false]) {
              for (const [what, body, outcome] of lines) {
                const name = `${what}${noflush ? ' --noflush' : ''}`;
                for (const ns of [mine, theirs]) await ns.must(`${program(backend)}-restore`, ['-c'], { input: kept });
                const text = table(body);
                const real = await theirs.run(`${program(backend)}-restore`, noflush ? ['--noflush'] : [], { input: text });
                assert.equal(real.code === 0, outcome === 'taken', `${name}: ${real.stderr}`);
                if (outcome === 'taken') await ipt.restore(text, { noflush });
                else
                  await assert.rejects(
                    ipt.restore(text, { noflush }),
                    (err) => err instanceof NetfilterError || err instanceof RuleSyntaxError,
                    name,
                  );
                assert.equal(await saved(mine), await saved(theirs), name);
              }
            }
          }),
        { backend },
      );
    });

    it(`-C and -X of all on ${program(backend)} where there is no table`, async () => {
      await withIptables(
        async (ipt) => {
          await assert.rejects(ipt.restore(table('-C INPUT -j ACCEPT'), { noflush: true }), { code: 'ENOENT' });
          await ipt.restore(table('-X'), { noflush: true });
          // Of a chain that the text jumps to before it flushes, and of one it renames; iptables-nft-restore 1.8.9 cannot.
          await ipt.restore(table('-N D\n-A INPUT -j D\n-F\n-X'), { noflush: true });
          await ipt.restore(table('-A INPUT -j ACCEPT\n-C INPUT -j ACCEPT\n-N A\n-N B\n-E B C\n-X'), { noflush: true });
          assert.equal(await ipt.save({ table: 'filter' }).then((text) => /^:[A-D] /m.test(text)), false);
          assert.equal((await ipt.list('filter', 'INPUT')).length, 1);
        },
        { backend },
      );
    });
  }

  it('that save text may not hold are refused by name', async () => {
    await withIptables(async (ipt) => {
      for (const line of ['-A INPUT -w', '-n -A INPUT', '-L INPUT --line-numbers'])
        await assert.rejects(ipt.restore(table(line)), { code: 'ERR_RULE_SYNTAX', line: 2 }, line);
    });
  });
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
