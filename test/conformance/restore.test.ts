// restore: the whole text and parts of it, with and without what is there, and what a failure leaves.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { compile, NetfilterError } from '../../lib/index.ts';
import { tablesOf } from '../support/fixtures.ts';
import { conformance, type Host } from './grid.ts';

interface Options {
  readonly noflush?: boolean;
  readonly counters?: boolean;
  readonly test?: boolean;
  readonly table?: string;
}

const args = (o: Options): string[] => [
  ...(o.noflush === true ? ['-n'] : []),
  ...(o.counters === true ? ['-c'] : []),
  ...(o.test === true ? ['-t'] : []),
  ...(o.table === undefined ? [] : ['-T', o.table]),
];

const before =
  '*filter\n:INPUT DROP [3:4]\n:KEEP - [0:0]\n:CHANGE - [0:0]\n-A KEEP -j LOG\n-A CHANGE -j DROP\n-A INPUT -j KEEP\nCOMMIT\n*raw\n-A OUTPUT -j RETURN\nCOMMIT\n';

const text = (h: Host): string =>
  [
    '# a comment',
    '*filter',
    ':INPUT ACCEPT [1:2]',
    ':FORWARD DROP [3:4]',
    ':CHANGE - [0:0]',
    `:${'C'.repeat(28)} - [0:0]`,
    `-A INPUT -s ${h.ip(1)},${h.ip(2)} -m comment --comment "a \\"b\\" -j ACCEPT" -j CHANGE`,
    `-A CHANGE -p tcp -m tcp --dport 80 -g ${'C'.repeat(28)}`,
    '-I INPUT -j LOG',
    'COMMIT',
    '*nat',
    ':OUTPUT ACCEPT [0:0]',
    '-A OUTPUT -j RETURN',
    'COMMIT',
    '',
  ].join('\n');

/** Parses, and the kernel refuses it there: TPROXY outside of mangle. */
const REFUSED = '-A INPUT -p tcp -j TPROXY --on-port 80';

conformance('restore', (it) => {
  for (const noflush of [false, true]) {
    for (const counters of [false, true]) {
      it(`noflush: ${noflush}, counters: ${counters}`, async (h) => {
        for (const input of [text(h), compile(text(h), h.family)]) {
          await h.given(before);
          assert.deepEqual(await h.ipt.restore(input, { noflush, counters }), { tables: ['filter', 'nat'] });
          await h.programs.restore(h.twin, text(h), ...args({ noflush, counters }));
          await h.same();
        }
      });
    }
  }

  it('into a namespace without tables, twice the same compiled text', async (h) => {
    const compiled = compile(text(h), h.family);
    assert.equal(compiled.rules, 5);
    for (let i = 0; i < 2; i++) {
      await h.ipt.restore(compiled);
      await h.programs.restore(h.twin, text(h));
      await h.same();
    }
  });

  it('test changes nothing', async (h) => {
    assert.deepEqual(await h.ipt.restore(text(h), { test: true }), { tables: ['filter', 'nat'] });
    assert.equal((await h.state()).size, 0);
    await h.given(before);
    await h.ipt.restore(text(h), { test: true, noflush: true });
    await h.ipt.restore(compile(text(h), h.family), { test: true, counters: true });
    await h.same();
  });

  it('test finds what the kernel refuses', async (h) => {
    const wrong = `*filter\n${REFUSED}\nCOMMIT\n`;
    if (h.differs('restore with test asks the kernel'))
      await h.refuses(() => h.ipt.restore(wrong, { test: true }), { code: 'EINVAL', errno: 22 });
    else assert.deepEqual(await h.ipt.restore(wrong, { test: true }), { tables: ['filter'] });
    // The real programs of either backend send nothing at all.
    assert.equal((await h.programs.tryRestore(h.twin, wrong, '-t')).code, 0);
    assert.equal((await h.state()).size, 0);
  });

  it('table: only that one of the text', async (h) => {
    await h.given(before);
    assert.deepEqual(await h.ipt.restore(text(h), { table: 'nat' }), { tables: ['nat'] });
    await h.programs.restore(h.twin, text(h), '-T', 'nat');
    await h.same();
    assert.deepEqual(await h.ipt.restore(compile(text(h), h.family), { table: 'mangle' }), { tables: [] });
    await h.refuses(() => h.ipt.restore(text(h), { table: 'filtre' }), { code: 'ERR_INVALID_ARG', errno: 0 });
    await h.same();
  });

  it('what save gives goes back, counters too', async (h) => {
    await h.given(before);
    await h.ipt.restore(text(h), { counters: true });
    const [plain, counted] = [await h.ipt.save(), await h.ipt.save({ counters: true })];
    const state = await h.state();
    await h.ipt.restore(plain);
    await h.ipt.restore(counted, { counters: true });
    assert.deepEqual(await h.state(), state);
  });

  it('counters of rules, as they are written', async (h) => {
    const lines = ['[1:2] -A INPUT -j LOG', '[18446744073709551615:5] -A INPUT -j RETURN'];
    await h.ipt.restore(`*filter\n${lines.join('\n')}\n-A INPUT -c 3 4 -j DROP\nCOMMIT\n`, { counters: true });
    assert.deepEqual((await h.state()).get('filter')?.slice(3), [...lines, '[3:4] -A INPUT -j DROP']);
    await h.ipt.restore(`*filter\n${lines.join('\n')}\nCOMMIT\n`);
    assert.deepEqual((await h.state()).get('filter')?.slice(3), ['[0:0] -A INPUT -j LOG', '[0:0] -A INPUT -j RETURN']);
  });

  const changes: readonly (readonly [what: string, lines: string])[] = [
    ['a rule of a chain that is there', '-A CHANGE -j RETURN'],
    ['a rule deleted', '-D CHANGE -j DROP'],
    ['a rule deleted by number', '-D CHANGE 1'],
    ['a rule put between', '-I CHANGE 2 -j RETURN\n-I CHANGE 1 -j LOG'],
    ['a rule replaced', '-R CHANGE 1 -j RETURN'],
    ['a chain flushed', '-F CHANGE'],
    ['a chain emptied by its declaration', ':CHANGE - [0:0]'],
    ['a chain made and jumped to', '-N NEW\n-A CHANGE -j NEW'],
    ['a chain deleted', '-F CHANGE\n-X CHANGE'],
    ['a policy', '-P FORWARD DROP'],
    ['everything flushed', '-F'],
    ['nothing', ''],
    ['a chain that is not there', '-A NOPE -j DROP'],
    ['a jump that is none', '-A CHANGE -j NOPE'],
    ['a rule that is not there', '-D CHANGE -j LOG'],
    ['a number too big', '-I CHANGE 9 -j LOG'],
    ['number 0', '-I CHANGE 0 -j LOG'],
    ['a chain made that is there', '-N CHANGE'],
    ['a chain deleted that has rules', '-X KEEP'],
    ['an unknown option', '-A CHANGE --nope'],
    ['a loop', '-A KEEP -j CHANGE\n-A CHANGE -p tcp -j KEEP'],
    ['the table twice', '-I CHANGE -j LOG\nCOMMIT\n*filter\n-D CHANGE 1'],
    [
      'the table twice, another between',
      '-I CHANGE -j LOG\nCOMMIT\n*raw\n-A OUTPUT -j LOG\nCOMMIT\n*filter\n-D CHANGE -j DROP\n-I CHANGE 2 -j RETURN\n-R CHANGE 1 -p tcp -j LOG',
    ],
    ['the table twice, a chain made and then filled', '-N NEW\nCOMMIT\n*filter\n-A NEW -j DROP\n-I NEW 2 -j LOG\n-A INPUT -j NEW'],
  ];
  for (const [what, lines] of changes) {
    it(`noflush, ${what}: as the real program`, async (h) => {
      await h.given(before);
      const input = `*filter\n${lines}\nCOMMIT\n`;
      const real = await h.programs.tryRestore(h.twin, input, '-n');
      if (real.code === 0) await h.ipt.restore(input, { noflush: true });
      else
        await assert.rejects(h.ipt.restore(input, { noflush: true }), (err: Error) => {
          assert.ok(!(err instanceof NetfilterError) || err.outcome === 'not-applied');
          return true;
        });
      await h.same();
    });
  }

  /** The word that is wrong, on either backend or on one; counters: 'with' or 'without' where it is wrong so only. */
  const lines: readonly (readonly [line: string, word?: string, only?: 'nft' | 'legacy' | undefined, counters?: 'with'])[] = [
    [':INPUT ACCEPT', '', undefined, 'with'],
    [':INPUT -', '', 'nft', 'with'],
    [':INPUT DROP [5:6]'],
    [':INPUT - [5:6]'],
    [':FOO -'],
    [':FOO - [a:b]'],
    [':FOO ACCEPT', 'ACCEPT', 'legacy'],
    [':FOO DROP [0:0]', 'DROP', 'legacy'],
    ['[5:6] -D CHANGE -j DROP', '[5:6]', undefined, 'with'],
    ['[5:6] -D CHANGE 1', '[5:6]', undefined, 'with'],
    ['[5:6] -N X', '[5:6]', undefined, 'with'],
    ['[5:6] -F CHANGE', '[5:6]', undefined, 'with'],
    ['[5:6] -Z', '[5:6]', undefined, 'with'],
    ['[5:6] -E CHANGE X', '[5:6]', undefined, 'with'],
    ['-A INPUT -o +', '-o'],
    ['-A INPUT ! -o +', '-o'],
    ['-A OUTPUT -i +', '-i'],
    ['-I CHANGE -o + -i +'],
    ['  # no comment', '#'],
    ['# a comment'],
    ['  -A INPUT'],
  ];
  for (const counters of [false, true]) {
    it(`lines that are refused, ${counters ? 'with' : 'without'} counters: as the real program, and which word`, async (h) => {
      for (const [line, word, only = h.backend, when] of lines) {
        await h.given(before);
        const input = `*filter\n${line}\nCOMMIT\n`;
        const o = { noflush: true, counters };
        const real = await h.programs.tryRestore(h.twin, input, ...args(o));
        const wrong = word !== undefined && only === h.backend && (when === undefined || counters);
        assert.equal(real.code !== 0, wrong, `${line}: ${real.stderr}`);
        if (wrong) {
          const column = word === '' ? line.length + 1 : line.indexOf(word) + 1;
          await assert.rejects(h.ipt.restore(input, o), { code: 'ERR_RULE_SYNTAX', line: 2, column, word }, line);
        } else await h.ipt.restore(input, o);
        await h.same(line);
      }
    });
  }

  it('the first wrong line is named, whatever is wrong with it', async (h) => {
    const input = '*filter\n:INPUT DROP\n[1:2] -F\n-A NOPE -j DROP\nCOMMIT\n';
    await assert.rejects(h.ipt.restore(input, { counters: true }), { line: 2, word: '' });
    await assert.rejects(h.ipt.restore(input), { line: 4, word: 'NOPE' });
    for (const rule of [{ outInterface: '+' }, { outInterface: { not: '+' } }, '-o +', ['-o', '+']])
      await assert.rejects(h.ipt.append('filter', 'INPUT', rule), /can't use -o with INPUT/);
    await h.ipt.append('filter', 'FORWARD', { outInterface: '+' });
  });

  it('[packets:bytes] before a policy are its counters', async (h) => {
    const input = '*filter\n[5:6] -P FORWARD DROP\nCOMMIT\n';
    for (const counters of [false, true]) {
      await h.given(before);
      await h.ipt.restore(input, { noflush: true, counters });
      assert.equal((await h.state()).get('filter')?.[1], `:FORWARD DROP ${counters ? '[5:6]' : '[0:0]'}`);
      // iptables-nft 1.8.9 forgets them.
      await h.programs.tryRestore(h.twin, input, ...args({ noflush: true, counters }));
      if (h.backend === 'legacy') await h.same();
    }
  });

  it('without noflush the second of a table that stands twice begins anew', async (h) => {
    await h.given(before);
    const input = `*filter\n:ONE - [0:0]\n-A INPUT -j ONE\n-I INPUT 2 -j LOG\nCOMMIT\n*raw\n-A OUTPUT -j DROP\nCOMMIT\n*filter\n:TWO - [0:0]\n-A INPUT -j TWO\n-I INPUT 2 -j DROP\nCOMMIT\n`;
    assert.deepEqual(await h.ipt.restore(input), { tables: ['filter', 'raw', 'filter'] });
    await h.programs.restore(h.twin, input);
    await h.same();
  });

  describe('a chain made after another was renamed', () => {
    const given = '*filter\n:A - [0:0]\n:B - [0:0]\n-A A -p tcp -j LOG\n-A B -p udp -j LOG\n-A INPUT -j B\nCOMMIT\n';
    const inFilter = (lines: string): string => `*filter\n${lines}\nCOMMIT\n`;
    const chain = async (h: Host, name: string): Promise<string[]> =>
      (await h.rules('filter')).filter((line) => line.startsWith(`-A ${name} `));

    it('under the new name: there already', async (h) => {
      await h.given(given);
      const input = inFilter('-E B C\n-N C\n-A C -j DROP');
      await h.refuses(() => h.ipt.restore(input, { noflush: true }), {
        code: 'EEXIST',
        errno: 17,
        message: /^line 3: chain C is there already/,
      });
      if (h.backend === 'legacy') assert.notEqual((await h.programs.tryRestore(h.twin, input, '-n')).code, 0);
      const tx = h.iptables.transaction('filter');
      tx.renameChain('B', 'C');
      tx.newChain('C');
      await h.refuses(() => tx.commit(), { code: 'EEXIST', errno: 17 });
      const both = inFilter('-E B C\n-E A C');
      await h.refuses(() => h.ipt.restore(both, { noflush: true }), { code: 'EEXIST', errno: 17 });
    });

    it('declared under the new name: it is emptied', async (h) => {
      await h.given(given);
      const input = inFilter('-E B C\n:C - [0:0]\n-A C -j DROP\n-I C 2 -j RETURN');
      await h.ipt.restore(input, { noflush: true });
      // iptables-nft makes a second chain of the name.
      if (h.backend === 'legacy') {
        await h.programs.restore(h.twin, input, '-n');
        await h.same();
      }
      assert.deepEqual(await h.iptables.listChains('filter'), ['INPUT', 'FORWARD', 'OUTPUT', 'A', 'C']);
      assert.deepEqual(await chain(h, 'C'), ['-A C -j DROP', '-A C -j RETURN']);
      assert.deepEqual(await chain(h, 'INPUT'), ['-A INPUT -j C']);
    });

    it('under the old name', async (h) => {
      for (const [lines, made] of [
        ['-E A F\n-N A\n-A A -j DROP', ['-A A -j DROP']],
        ['-E A F\n:A - [0:0]', []],
      ] as const) {
        await h.given(given);
        const input = inFilter(lines);
        if (h.differs('the old name of a renamed chain is free before the commit')) {
          await h.ipt.restore(input, { noflush: true });
          await h.programs.restore(h.twin, input, '-n');
          await h.same();
          assert.deepEqual(await chain(h, 'A'), made);
        } else {
          const taken = { code: 'EEXIST', errno: 17, message: /^line 3: .*renamed/ };
          await h.refuses(() => h.ipt.restore(input, { noflush: true }), taken);
        }
      }
      const swap = inFilter('-E A F\n-E B A');
      await h.given(given);
      if (h.differs('the old name of a renamed chain is free before the commit')) await h.ipt.restore(swap, { noflush: true });
      else await h.refuses(() => h.ipt.restore(swap, { noflush: true }), { code: 'EEXIST', errno: 17, message: /^line 3: .*renamed/ });
    });

    it('both in the text', async (h) => {
      const input = inFilter('-N A\n-A A -p tcp\n-E A B\n-N A\n-A A -j DROP\n-I A 2 -j LOG\n-A B -j A');
      await h.ipt.restore(input);
      if (h.backend === 'legacy') {
        await h.programs.restore(h.twin, input);
        await h.same();
      }
      assert.deepEqual(await h.rules('filter'), ['-A A -j DROP', '-A A -j LOG', '-A B -p tcp', '-A B -j A']);
      await h.ipt.restore(inFilter('-F\n-X B\n-E A C\n-X C\n-N C\n-A C -j DROP\n-D C 1\n-A C -j LOG'), { noflush: true });
      assert.deepEqual(await h.rules('filter'), ['-A C -j LOG']);
      assert.deepEqual(await h.iptables.listChains('filter'), ['INPUT', 'FORWARD', 'OUTPUT', 'C']);
      await h.ipt.restore(inFilter('-N A\n-E A B\n-E B A\n-A A -j DROP'));
      assert.deepEqual(await h.rules('filter'), ['-A A -j DROP']);
      assert.deepEqual(await h.iptables.listChains('filter'), ['INPUT', 'FORWARD', 'OUTPUT', 'A']);
    });
  });

  it('names line and word of what is no rule set, and sends nothing', async (h) => {
    await h.given(before);
    const wrong: readonly (readonly [input: string, line: number, word: string])[] = [
      ['-A INPUT -j DROP\n', 1, '-A INPUT -j DROP'],
      ['*filtre\nCOMMIT\n', 1, 'filtre'],
      ['*filter\n-A INPUT -j DROP\n', 3, ''],
      ['*filter\n:INPUT REJECT [0:0]\nCOMMIT\n', 2, 'REJECT'],
      ['*filter\n[1:x] -A INPUT -j DROP\nCOMMIT\n', 2, '[1:x]'],
      ['*filter\n[18446744073709551616:1] -A INPUT -j DROP\nCOMMIT\n', 2, '[18446744073709551616:1]'],
      ['*filter\n:INPUT DROP [1:99999999999999999999]\nCOMMIT\n', 2, '[1:99999999999999999999]'],
      ['*filter\n-A USER -j DROP\nCOMMIT\n', 2, 'USER'],
      ['*filter\n-A INPUT -j USER\nCOMMIT\n', 2, 'USER'],
      ['*nat\nCOMMIT\n# later\n*filter\n-A INPUT --nope\nCOMMIT\n', 5, '--nope'],
    ];
    for (const [input, line, word] of wrong) {
      await assert.rejects(h.ipt.restore(input), { code: 'ERR_RULE_SYNTAX', line, word }, input);
      // A chain that is not declared may be there, with noflush.
      if (word !== 'USER') assert.throws(() => compile(input, h.family), { code: 'ERR_RULE_SYNTAX', line, word }, input);
      await h.same();
    }
  });

  it('a compiled text is of its family', async (h) => {
    const other = compile('*filter\nCOMMIT\n', h.family === 'ip' ? 'ip6' : 'ip');
    await h.refuses(() => h.ipt.restore(other), { code: 'ERR_INVALID_ARG', errno: 0 });
  });

  it('a failure in the second table', async (h) => {
    await h.given(before);
    const input = `*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j RETURN\nCOMMIT\n*filter\n-A OUTPUT -j DROP\n${REFUSED}\nCOMMIT\n*mangle\n-A OUTPUT -j RETURN\nCOMMIT\n`;
    const err: unknown = await h.ipt.restore(input).then(
      () => undefined,
      (e: unknown) => e,
    );
    assert.ok(err instanceof NetfilterError);
    const { outcome, tables } = h.differs('the second of three tables is refused');
    assert.deepEqual(
      { code: err.code, errno: err.errno, outcome: err.outcome, tables: err.tables },
      { code: 'EINVAL', errno: -22, outcome, tables },
    );
    // Whatever was written is what the error says.
    const state = await h.state();
    assert.deepEqual([...state.keys()].sort(), ['filter', 'raw', ...(tables ?? [])].sort());
    const given = tablesOf(before);
    assert.equal(
      state.get('filter')?.filter((line) => line.includes('-A')).length,
      given.get('filter')?.filter((line) => line.includes('-A')).length,
    );
  });

  it('the kernel refuses a line: which', async (h) => {
    const input = `*filter\n-A OUTPUT -j RETURN\n${REFUSED}\nCOMMIT\n`;
    const err = await h.refuses(() => h.ipt.restore(input), { code: 'EINVAL', errno: 22 });
    assert.equal(/line 3/.test(err.message), h.differs('the kernel’s refusal names the line'));
    assert.notEqual((await h.programs.tryRestore(h.twin, input)).code, 0);
    await h.same();
  });

  it('a missing set is known before anything is sent', async (h) => {
    await h.given(before);
    const input = '*nat\n-A OUTPUT -j RETURN\nCOMMIT\n*filter\n-A INPUT -m set --match-set nosuch src\nCOMMIT\n';
    const err = await h.refuses(() => h.ipt.restore(input), { code: 'ENOENT', errno: 2, message: /^line 5: .*nosuch/ });
    assert.equal(err.operation?.verb, 'append');
  });
});
