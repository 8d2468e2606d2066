// Rules: append, insert, replace, delete, deleteAt, exists and their conditional forms.
import assert from 'node:assert/strict';
import { type RuleSpec, rule } from '../../lib/index.ts';
import { conformance, type Host } from './grid.ts';

const nasty = `it's "quoted" \\ -j ACCEPT --dport 1 # ; $(x)`;

/** Four rules in a chain that INPUT jumps to. */
const four = (h: Host): string =>
  `*filter\n:X - [0:0]\n-A INPUT -j X\n${[1, 2, 3, 4].map((n) => `[${n}:${n}0] -A X -s ${h.ip(n)}\n`).join('')}COMMIT\n`;

/** Rules by what they try; each as words, for nflink and for the real program. */
const forms: readonly (readonly [what: string, words: (h: Host) => readonly string[]])[] = [
  ['nothing at all', () => []],
  ['a verdict', () => ['-j', 'RETURN']],
  ['a protocol and ports', () => ['-p', 'tcp', '--sport', '1024:', '--dport', '22', '-j', 'ACCEPT']],
  ['a protocol by number', () => ['-p', '99', '-j', 'DROP']],
  ['addresses with masks', (h) => ['-s', `${h.ip(0)}/${h.family === 'ip' ? 24 : 64}`, '-d', h.ip(9), '-j', 'DROP']],
  ['interfaces, whole and by their beginning', () => ['-i', 'eth+', '-j', 'DROP']],
  ['! before everything', (h) => ['!', '-s', h.ip(1), '!', '-d', h.ip(2), '!', '-i', 'lo', '!', '-p', 'udp', '-j', 'DROP']],
  [
    '! before the options of a match',
    () => ['-p', 'tcp', '-m', 'tcp', '!', '--dport', '80', '!', '--syn', '-m', 'mark', '!', '--mark', '1'],
  ],
  ['a match several times', () => ['-m', 'mark', '--mark', '1/1', '-m', 'mark', '--mark', '2/2', '-j', 'DROP']],
  ['states', () => ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT']],
  ['a comment full of quotes and -j ACCEPT', () => ['-m', 'comment', '--comment', nasty, '-j', 'DROP']],
  ['a comment of 255 bytes', () => ['-m', 'comment', '--comment', 'ü'.repeat(127), '-j', 'DROP']],
  ['a target with options', () => ['-j', 'LOG', '--log-prefix', 'a "b" c ', '--log-level', '7']],
  ['a limit', () => ['-m', 'limit', '--limit', '3/min', '--limit-burst', '7', '-j', 'ACCEPT']],
  ['a jump', () => ['-j', 'X']],
  ['goto', () => ['-p', 'udp', '-g', 'X']],
];

conformance('rules', (it) => {
  for (const [what, words] of forms) {
    it(`append, exists, list and delete: ${what}`, async (h) => {
      await h.given('*filter\n:X - [0:0]\nCOMMIT\n');
      const [first, ...more] = [words(h), words(h)];
      assert.equal(await h.ipt.exists('filter', 'INPUT', first), false);
      await h.as(h.ipt.append('filter', 'INPUT', first), ['-A', 'INPUT', ...first]);
      await h.as(h.ipt.append('filter', 'INPUT', ['-s', h.ip(200)]), ['-A', 'INPUT', '-s', h.ip(200)]);
      assert.equal(await h.ipt.exists('filter', 'INPUT', first), true);
      assert.equal((await h.programs.run(h.ns, '-C', 'INPUT', ...first)).code, 0, 'the real program finds it');
      const listed = await h.ipt.list('filter', 'INPUT');
      assert.deepEqual(
        listed.map((r) => `-A INPUT ${r}`.trimEnd()),
        (await h.rules('filter')).filter((line) => line.startsWith('-A INPUT')),
      );
      // Text, words, a rule that was listed and its typed form are one rule.
      const [installed] = listed;
      assert.ok(installed !== undefined && !('foreign' in installed.spec));
      for (const same of [`${installed}`, installed, installed.spec, ...more])
        assert.equal(await h.ipt.exists('filter', 'INPUT', same), true);
      await h.as(h.ipt.delete('filter', 'INPUT', `${installed}`), ['-D', 'INPUT', ...first]);
      assert.equal(await h.ipt.exists('filter', 'INPUT', first), false);
      await h.as(h.ipt.append('filter', 'INPUT', installed), ['-A', 'INPUT', ...first]);
      await h.as(h.ipt.delete('filter', 'INPUT', installed.spec), ['-D', 'INPUT', ...first]);
    });
  }

  it('a comment is a comment, whatever it holds', async (h) => {
    await h.ipt.append('filter', 'OUTPUT', rule`-m comment --comment ${nasty} -j DROP`);
    const [installed] = await h.ipt.list('filter', 'OUTPUT');
    assert.equal(installed?.comment, nasty);
    const spec: RuleSpec = { matches: [{ name: 'comment', comment: nasty }], target: { name: 'DROP' } };
    assert.equal(await h.ipt.exists('filter', 'OUTPUT', spec), true);
    assert.equal(await h.ipt.exists('filter', 'OUTPUT', rule`-m comment --comment ${nasty} -j ACCEPT`), false);
    await h.programs.restore(h.twin, `*filter\n-A OUTPUT ${installed}\nCOMMIT\n`);
    await h.same();
  });

  it('a comment of 256 bytes is refused before anything is sent', async (h) => {
    await assert.rejects(h.ipt.append('filter', 'INPUT', ['-m', 'comment', '--comment', 'c'.repeat(256)]), { code: 'ERR_RULE_SYNTAX' });
    // The real program takes it and silently keeps 255 of them: no judge here.
    await h.same();
  });

  it('-c counts from there', async (h) => {
    const words = ['-s', h.ip(1), '-j', 'ACCEPT'];
    const counted = ['-c', '18446744073709551615', '4294967296', ...words];
    await h.ipt.append('filter', 'INPUT', counted);
    await h.ipt.insert('filter', 'INPUT', 1, counted);
    // What the text says and not what the real program makes of it: ip6tables-nft 1.8.9 forgets counters of rules.
    const line = `[18446744073709551615:4294967296] -A INPUT -s ${h.host(1)} -j ACCEPT`;
    assert.deepEqual((await h.state()).get('filter')?.slice(3), [line, line]);
    const [installed] = await h.ipt.list('filter', 'INPUT');
    assert.deepEqual(installed?.counter, { packets: 18446744073709551615n, bytes: 4294967296n });
    // Counters are no part of what a rule is.
    assert.equal(await h.ipt.exists('filter', 'INPUT', ['-s', h.ip(1), '-j', 'ACCEPT']), true);
  });

  it('a list of addresses is several rules', async (h) => {
    const list = ['-s', `${h.ip(1)},${h.ip(2)}`, '-d', `${h.ip(3)},${h.ip(4)}`, '-j', 'DROP'];
    await h.as(h.ipt.append('filter', 'FORWARD', list), ['-A', 'FORWARD', ...list]);
    assert.equal((await h.rules('filter')).length, 4);
    await h.as(h.ipt.insert('filter', 'FORWARD', 2, list), ['-I', 'FORWARD', '2', ...list]);
    assert.equal(await h.ipt.exists('filter', 'FORWARD', list), true);
    await h.as(h.ipt.delete('filter', 'FORWARD', list), ['-D', 'FORWARD', ...list]);
    assert.equal((await h.rules('filter')).length, 4);
  });

  it('of a list of addresses all are deleted or none', async (h) => {
    await h.ipt.append('filter', 'FORWARD', `-s ${h.ip(1)},${h.ip(2)} -j DROP`);
    const list = `-s ${h.ip(1)},${h.ip(3)} -j DROP`;
    assert.equal(await h.ipt.exists('filter', 'FORWARD', list), false);
    await h.refuses(() => h.ipt.delete('filter', 'FORWARD', list), { code: 'ENOENT', errno: 2 });
    await h.refuses(() => h.ipt.append('filter', 'FORWARD', `-s ${h.ip(4)},${h.ip(5)} -j NOPE`), { code: 'ENOENT', errno: 2 });
    // What is conditional does what is left to do.
    assert.equal(await h.ipt.appendUnique('filter', 'FORWARD', list), true);
    assert.equal(await h.ipt.deleteIfExists('filter', 'FORWARD', `-s ${h.ip(4)},${h.ip(1)} -j DROP`), true);
    assert.deepEqual(await h.rules('filter'), [`-A FORWARD -s ${h.host(2)} -j DROP`, `-A FORWARD -s ${h.host(3)} -j DROP`]);
  });

  it('insert: at any number up to the one after the last', async (h) => {
    await h.given(four(h));
    for (const n of [1, 3, 6, 8]) await h.as(h.ipt.insert('filter', 'X', n, `-d ${h.ip(n)}`), ['-I', 'X', `${n}`, '-d', h.ip(n)]);
    await h.as(h.ipt.insert('nat', 'OUTPUT', 1, '-j RETURN'), ['-t', 'nat', '-I', 'OUTPUT', '-j', 'RETURN']);
  });

  it('insert: a number too big, 0 and no number', async (h) => {
    await h.given(four(h));
    const words = ['-s', h.ip(9), '-j', 'DROP'];
    const err = await h.refuses(() => h.ipt.insert('filter', 'X', 6, words), { code: 'E2BIG', errno: 7, verb: 'insert' }, [
      '-I',
      'X',
      '7',
      ...words,
    ]);
    assert.match(err.message, /6/);
    await h.refuses(() => h.ipt.insert('raw', 'OUTPUT', 2, words), { code: 'E2BIG', errno: 7, verb: 'insert' }, [
      '-t',
      'raw',
      '-I',
      'OUTPUT',
      '3',
      ...words,
    ]);
    for (const number of [0, -1, 1.5, Number.NaN, 2 ** 53])
      await h.refuses(
        () => h.ipt.insert('filter', 'X', number, words),
        number === 2 ** 53 ? { code: 'E2BIG', errno: 7 } : { code: 'ERR_INVALID_ARG', errno: 0 },
      );
    assert.notEqual((await h.tryReal('-I', 'X', '0', ...words)).code, 0);
  });

  it('replace: the others keep their places and counters', async (h) => {
    await h.given(four(h));
    for (const n of [1, 4])
      await h.as(h.ipt.replace('filter', 'X', n, `-d ${h.ip(n)} -j DROP`), ['-R', 'X', `${n}`, '-d', h.ip(n), '-j', 'DROP']);
    await h.ipt.replace('filter', 'X', 2, '-c 5 6 -j RETURN');
    assert.equal((await h.state()).get('filter')?.[6], '[5:6] -A X -j RETURN');
  });

  it('replace: numbers and chains that are not there, lists', async (h) => {
    await h.given(four(h));
    const tooBig = { code: 'E2BIG', errno: 7, verb: 'replace' };
    await h.refuses(() => h.ipt.replace('filter', 'X', 5, '-j DROP'), tooBig, ['-R', 'X', '5', '-j', 'DROP']);
    await h.refuses(() => h.ipt.replace('mangle', 'INPUT', 1, '-j DROP'), tooBig, ['-t', 'mangle', '-R', 'INPUT', '1', '-j', 'DROP']);
    await h.refuses(() => h.ipt.replace('filter', 'X', 0, '-j DROP'), { code: 'ERR_INVALID_ARG', errno: 0 }, [
      '-R',
      'X',
      '0',
      '-j',
      'DROP',
    ]);
    await h.refuses(() => h.ipt.replace('filter', 'NOPE', 1, '-j DROP'), { code: 'ENOENT', errno: 2, verb: 'replace' }, [
      '-R',
      'NOPE',
      '1',
      '-j',
      'DROP',
    ]);
    await h.refuses(
      () => h.ipt.replace('filter', 'X', 1, '-j NOPE'),
      { code: 'ENOENT', errno: 2, verb: 'replace', message: /no chain "NOPE"/ },
      [...['-R', 'X', '1', '-j', 'NOPE']],
    );
    const list = ['-s', `${h.ip(1)},${h.ip(2)}`];
    await h.refuses(() => h.ipt.replace('filter', 'X', 1, list), { code: 'ERR_INVALID_ARG', errno: 0 }, ['-R', 'X', '1', ...list]);
  });

  it('delete: the first of equal ones', async (h) => {
    await h.given('*filter\n[1:1] -A INPUT -j DROP\n[2:2] -A INPUT -j RETURN\n[3:3] -A INPUT -j DROP\nCOMMIT\n');
    await h.as(h.ipt.delete('filter', 'INPUT', '-j DROP'), ['-D', 'INPUT', '-j', 'DROP']);
    assert.equal(await h.ipt.deleteIfExists('filter', 'INPUT', '-j DROP'), true);
    await h.real('-D', 'INPUT', '-j', 'DROP');
    await h.same();
    assert.equal(await h.ipt.deleteIfExists('filter', 'INPUT', '-j DROP'), false);
    await h.same();
  });

  it('delete and deleteIfExists: what is not there', async (h) => {
    await h.given(four(h));
    const missing = { code: 'ENOENT', errno: 2, verb: 'delete' };
    const cases: readonly (readonly [table: string, chain: string, words: readonly string[]])[] = [
      ['filter', 'X', ['-s', h.ip(9)]],
      ['filter', 'NOPE', ['-s', h.ip(1)]],
      ['filter', 'FORWARD', ['-s', h.ip(1)]],
      ['filter', 'X', ['-s', h.ip(1), '-j', 'NOPE']],
      ['security', 'INPUT', ['-s', h.ip(1)]],
      ['mangle', 'NOPE', ['-s', h.ip(1)]],
    ];
    for (const [table, chain, words] of cases) {
      await h.refuses(() => h.ipt.delete(table, chain, words), missing, ['-t', table, '-D', chain, ...words]);
      assert.equal(await h.ipt.deleteIfExists(table, chain, words), false);
      assert.equal(await h.ipt.exists(table, chain, words), false);
      assert.notEqual((await h.tryReal('-t', table, '-C', chain, ...words)).code, 0);
    }
    await h.same();
  });

  it('deleteAt: by number, up to the last', async (h) => {
    await h.given(four(h));
    for (const n of [4, 1, 1]) await h.as(h.ipt.deleteAt('filter', 'X', n), ['-D', 'X', `${n}`]);
    await h.refuses(() => h.ipt.deleteAt('filter', 'X', 2), { code: 'E2BIG', errno: 7, verb: 'deleteAt' }, ['-D', 'X', '2']);
    await h.refuses(() => h.ipt.deleteAt('filter', 'X', 0), { code: 'ERR_INVALID_ARG', errno: 0 }, ['-D', 'X', '0']);
    await h.refuses(() => h.ipt.deleteAt('filter', 'NOPE', 1), { code: 'ENOENT', errno: 2, verb: 'deleteAt' }, ['-D', 'NOPE', '1']);
    await h.refuses(() => h.ipt.deleteAt('raw', 'OUTPUT', 1), { code: 'E2BIG', errno: 7, verb: 'deleteAt' }, [
      '-t',
      'raw',
      '-D',
      'OUTPUT',
      '1',
    ]);
  });

  it('appendUnique and insertUnique: once, wherever the rule is', async (h) => {
    await h.given(four(h));
    assert.equal(await h.ipt.appendUnique('filter', 'X', `-s ${h.ip(2)}`), false);
    assert.equal(await h.ipt.insertUnique('filter', 'X', 1, `-s ${h.ip(4)}`), false);
    await h.same();
    assert.equal(await h.as(h.ipt.appendUnique('filter', 'X', `-s ${h.ip(5)}`), ['-A', 'X', '-s', h.ip(5)]), true);
    assert.equal(await h.as(h.ipt.insertUnique('filter', 'X', 3, `-s ${h.ip(6)}`), ['-I', 'X', '3', '-s', h.ip(6)]), true);
    assert.equal(await h.as(h.ipt.appendUnique('nat', 'OUTPUT', '-j RETURN'), ['-t', 'nat', '-A', 'OUTPUT', '-j', 'RETURN']), true);
    assert.equal(await h.as(h.ipt.insertUnique('raw', 'OUTPUT', 1, '-j RETURN'), ['-t', 'raw', '-I', 'OUTPUT', '-j', 'RETURN']), true);
    const words = ['-s', h.ip(9)];
    await h.refuses(() => h.ipt.insertUnique('filter', 'X', 99, words), { code: 'E2BIG', errno: 7, verb: 'insert' }, [
      '-I',
      'X',
      '99',
      ...words,
    ]);
    await h.refuses(() => h.ipt.appendUnique('filter', 'NOPE', words), { code: 'ENOENT', errno: 2, verb: 'append' }, [
      '-A',
      'NOPE',
      ...words,
    ]);
  });

  it('a chain that is not there', async (h) => {
    for (const table of ['filter', 'nat']) {
      for (const go of ['-j', '-g']) {
        const words = ['-p', 'tcp', go, 'NOPE'];
        for (const ours of [() => h.ipt.append(table, 'OUTPUT', words), () => h.ipt.insert(table, 'OUTPUT', 1, words)]) {
          await h.refuses(ours, { code: 'ENOENT', errno: 2, message: /no chain "NOPE"/ }, ['-t', table, '-A', 'OUTPUT', ...words]);
        }
      }
      const err = await h.refuses(() => h.ipt.append(table, 'NOPE', '-j RETURN'), { code: 'ENOENT', errno: 2, verb: 'append' });
      assert.deepEqual(err.operation?.object, { rule: { family: h.family, table, chain: 'NOPE', rule: { target: { name: 'RETURN' } } } });
      assert.equal(err.operation?.path !== undefined, h.differs('an error names the attribute'));
      assert.notEqual((await h.tryReal('-t', table, '-A', 'NOPE', '-j', 'RETURN')).code, 0);
    }
    await h.same();
  });

  it('jumps to builtin chains are refused', async (h) => {
    await h.given(four(h));
    const code = h.differs('a jump to a builtin chain is refused as');
    const errno = code === 'EINVAL' ? 22 : 95;
    for (const go of ['-j', '-g']) {
      await h.refuses(() => h.ipt.append('filter', 'X', [go, 'INPUT']), { code, errno, verb: 'append' }, ['-A', 'X', go, 'INPUT']);
    }
  });

  it('loops are refused', async (h) => {
    await h.given('*filter\n:A - [0:0]\n:B - [0:0]\n-A INPUT -j A\n-A A -j B\nCOMMIT\n');
    const code = h.differs('a loop is refused as');
    const expected = { code, errno: code === 'ELOOP' ? 40 : 31, verb: 'append' };
    for (const [from, to] of [
      ['B', 'A'],
      ['B', 'B'],
      ['A', 'A'],
    ] as const) {
      const err = await h.refuses(() => h.ipt.append('filter', from, `-j ${to}`), expected, ['-A', from, '-j', to]);
      assert.deepEqual(err.operation?.object, { rule: { family: h.family, table: 'filter', chain: from, rule: { target: { jump: to } } } });
    }
    await h.same();
  });

  it('a loop that no hook reaches is none yet', async (h) => {
    await h.given('*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\nCOMMIT\n');
    await h.as(h.ipt.append('filter', 'B', '-j A'), ['-A', 'B', '-j', 'A']);
  });

  it('what the kernel refuses in this chain', async (h) => {
    const words = ['-p', 'tcp', '-j', 'TPROXY', '--on-port', '80'];
    const err = await h.refuses(() => h.ipt.append('filter', 'INPUT', words), { code: 'EINVAL', errno: 22, verb: 'append' }, [
      '-A',
      'INPUT',
      ...words,
    ]);
    const object = err.operation?.object as { readonly rule: { readonly rule?: RuleSpec } } | undefined;
    assert.equal(object?.rule.rule?.protocol, 'tcp');
    await h.same();
  });

  it('bad input names the word, and nothing is sent', async (h) => {
    const texts: readonly (readonly [text: string, word: string])[] = [
      ['-p tcp --dprot 22', '--dprot'],
      [`-s ${h.ip(1)}00000`, `${h.ip(1)}00000`],
      ['-m nosuch', 'nosuch'],
      ['-o eth0', '-o'],
      ['-i abcdefghijklmnop', 'abcdefghijklmnop'],
      ['-p tcp -j ACCEPT -j DROP', '-j'],
    ];
    for (const [text, word] of texts) {
      for (const ours of [
        () => h.ipt.append('filter', 'INPUT', text),
        () => h.ipt.exists('filter', 'INPUT', text),
        () => h.ipt.delete('filter', 'INPUT', text),
      ])
        await assert.rejects(ours, { name: 'RuleSyntaxError', code: 'ERR_RULE_SYNTAX', word }, text);
      assert.notEqual((await h.tryReal('-A', 'INPUT', ...text.split(' '))).code, 0, text);
    }
    await h.refuses(() => h.ipt.append('filtre', 'INPUT', '-j DROP'), { code: 'ERR_INVALID_ARG', errno: 0, message: /filtre/ });
    await h.refuses(() => h.ipt.exists('filter', 'a b', '-j DROP'), { code: 'ERR_INVALID_ARG', errno: 0 });
    assert.equal((await h.state()).size, 0);
  });

  it('a rule that no entry of a legacy table holds', async (h) => {
    await h.given('*filter\n-A INPUT -j DROP\nCOMMIT\n');
    const long = Array.from({ length: 300 }, () => '-m comment --comment x').join(' ');
    const large = { code: 'ERR_INVALID_ARG', errno: 0, message: /bytes/ };
    await h.refuses(() => h.ipt.append('filter', 'INPUT', long), large);
    if (h.backend === 'nft') assert.equal(await h.ipt.exists('filter', 'INPUT', long), false);
    else
      for (const asks of [() => h.ipt.exists('filter', 'INPUT', long), () => h.iptables.run(`-C INPUT ${long}`)])
        await h.refuses(asks, large);
  });

  it('every table', async (h) => {
    for (const [table, chain] of [
      ['raw', 'PREROUTING'],
      ['mangle', 'POSTROUTING'],
      ['nat', 'INPUT'],
      ['filter', 'FORWARD'],
      ['security', 'OUTPUT'],
    ] as const)
      await h.as(h.ipt.append(table, chain, '-p tcp -j ACCEPT'), ['-t', table, '-A', chain, '-p', 'tcp', '-j', 'ACCEPT']);
    assert.equal((await h.state()).size, 5);
  });
});
