// run() beside the real program: the same lines in two namespaces, one after the other; each must succeed or fail in both, print the same,
// and leave the same rules and counters.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { type Iptables, NetfilterError, RuleSyntaxError } from '../../lib/index.ts';
import { shellWords } from '../../lib/iptables/command-line/shell-words.ts';
import type { Verb } from '../../lib/run.ts';
import { type Backend, backends, program, withIptables } from '../support/iptables.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

const words = (line: string): string[] => shellWords(line).map((w) => w.text);

/** Tables and their order differ by what each program makes; what is in them must not. */
async function state(ns: TestNamespace, backend: Backend): Promise<string> {
  const text = await ns.must(`${program(backend)}-save`, ['-c']);
  const tables = text.replace(/^#.*\n/gm, '').split(/(?<=^COMMIT\n)/m);
  const plain = /^\*\w+\n(?::\w+ ACCEPT \[0:0\]\n)*COMMIT\n$/;
  return tables
    .filter((table) => table !== '' && !plain.test(table))
    .sort()
    .join('');
}

interface Ran {
  readonly stdout: string;
  readonly failed: string | undefined;
  readonly changed: boolean;
}
async function ours(ipt: Iptables, line: string): Promise<Ran> {
  try {
    const { stdout, changed } = await ipt.run(line);
    return { stdout, changed, failed: undefined };
  } catch (err) {
    assert.ok(err instanceof NetfilterError || err instanceof RuleSyntaxError, `${line}: ${String(err)}`);
    return { stdout: '', changed: false, failed: err.message };
  }
}

async function sideBySide(backend: Backend, lines: readonly string[]): Promise<void> {
  const compare = async (ipt: Iptables, mine: TestNamespace, theirs: TestNamespace): Promise<void> => {
    for (const line of lines) {
      const before = await state(mine, backend);
      const us = await ours(ipt, line);
      const real = await theirs.run(program(backend), words(line));
      assert.equal(us.failed !== undefined, real.code !== 0, `${line}: ${JSON.stringify(us)} ${real.stderr}`);
      if (us.failed === undefined) assert.equal(us.stdout, real.stdout, line);
      const after = await state(mine, backend);
      assert.equal(after, await state(theirs, backend), line);
      if (before !== after) assert.equal(us.changed, true, line);
    }
  };
  await withIptables((ipt, mine) => withNamespace((theirs) => compare(ipt, mine, theirs)), { backend });
}

const rules = [
  '-A INPUT -s 10.0.0.1,10.0.0.2 -p tcp --dport 22 -j ACCEPT -v',
  '-v -I FORWARD -i eth0 ! -o eth1 -f -j ACCEPT',
  '-v -I INPUT 2 -s 1.1.1.1,2.2.2.2 -d 3.3.3.3,4.4.4.4',
  '-C INPUT -s 10.0.0.1 -p tcp --dport 22 -j ACCEPT',
  '-v --check INPUT -s 10.0.0.1,10.0.0.2 -p tcp --dport 22 -j ACCEPT',
  '-C INPUT -s 10.0.0.1,10.0.0.9 -p tcp --dport 22 -j ACCEPT',
  '-C INPUT -s 10.0.0.9 -j ACCEPT',
  '-D INPUT -s 10.0.0.9 -j ACCEPT',
  '-C NOPE -s 10.0.0.9 -j ACCEPT',
  '-A NOPE -s 10.0.0.9 -j ACCEPT',
  '-A INPUT -j NOPE',
  '-v -D INPUT -s 10.0.0.1 -p tcp --dport 22 -j ACCEPT',
  '-v -D INPUT 9',
  '-R INPUT 9 -j ACCEPT',
  '-v -R INPUT 1 -s 1.2.3.4 -j ACCEPT',
  '-v -I INPUT 9 -j ACCEPT',
  '-A INPUT -c 3 4 -j DROP',
  '-c 5,6 -I INPUT -p udp',
  '-v -D INPUT 1',
  '--dport 80 -p tcp -A INPUT',
  '-p tcp --dport 80 -t mangle -j MARK --set-mark 1 -A PREROUTING',
  '-A INPUT -p tcp --syn --destination-port 25 --jump REJECT --reject-with tcp-reset',
  '-A INPUT -m comment --comment \'it is "so"\' -j ACCEPT',
  '-A INPUT -p tcp \\! --syn -m comment --comment "a b"\\ c',
  '-A INPUT \\\n  --source 9.9.9.9 \\\n  --jump DROP # the end',
  '-A INPUT -v -j LOG --log-prefix ""',
  '-A INPUT -4 -j RETURN --',
  '-w 5 -A INPUT -s 8.8.8.8',
  '-w -A INPUT -s 8.8.4.4 --wait',
  '-S',
  '-vS',
];

const chains = [
  '-v -N foo',
  '-v -N foo',
  '-N INPUT',
  '-v -E foo bar',
  '-E foo bar',
  '-N foo',
  '-E foo bar',
  '-A bar -j foo',
  '-A INPUT -g bar',
  '-X foo',
  '-X bar',
  '-X nope',
  '-F nope',
  '-E nope other',
  '-E foo INPUT',
  '-P INPUT DROP',
  '-v -P OUTPUT ACCEPT',
  '-P INPUT FOO',
  '-P bar DROP',
  '-P nope DROP',
  '-vS',
  '-L -n',
  '-X',
  '-v -F INPUT',
  '-vF',
  '-vX',
  '-X',
  '-t nat -vF',
  '-t nat -N a',
  '-t nat -N b',
  '-t nat -X a',
  '-tnat -vXb',
  '-S',
  '-t nat -nvL --line-numbers',
];

const counters = [
  '-N foo',
  '-A INPUT -c 1 2 -s 1.1.1.1 -j foo',
  '-A INPUT -c 3 4 -s 2.2.2.2',
  '-A foo -c 5 6 -m comment --comment kept',
  '-A FORWARD -c 7 8',
  '-A OUTPUT',
  '-v -Z INPUT 2',
  '-vS',
  '-v -Z foo',
  '-Z nope',
  '-A INPUT -c 9 10',
  '-nvL -Z INPUT',
  '-vS',
  '-Z FORWARD -vL INPUT',
  '-A foo -c 5 6',
  '-vS -Z',
  '-v -Z',
  '-t mangle -Z',
  '-vS',
];

/** Lines, and the word that the error names. */
const refused: readonly (readonly [line: string, word: string])[] = [
  ['', ''],
  ['-v', ''],
  ['-4', ''],
  ['-A', ''],
  ['-t', ''],
  ['-N', ''],
  ['-P', ''],
  ['-P INPUT', ''],
  ['-R INPUT', ''],
  ['-R INPUT -s 1.1.1.1', '-s'],
  ['-R INPUT x -j ACCEPT', 'x'],
  ['-D INPUT 0', '0'],
  ['-D INPUT x', 'x'],
  ['-I INPUT 0 -j ACCEPT', '0'],
  ['-L INPUT 0', '0'],
  ['-L INPUT extra', 'extra'],
  ['-E foo', ''],
  ['-E foo -x', '-x'],
  ['-t foo -L', 'foo'],
  ['-S -j ACCEPT', '-j'],
  ['-g foo -L', '-g'],
  ['-L -p tcp', '-p'],
  ['-F -s 1.2.3.4', '-s'],
  ['-i eth0 -S', '-i'],
  ['-L -A INPUT', '-A'],
  ['-A INPUT -L', '-L'],
  ['-A INPUT -A INPUT', '-A'],
  ['-A INPUT --delete INPUT', '--delete'],
  ['-F -X', '-X'],
  ['-F -Z', '-Z'],
  ['-L -S', '-S'],
  ['-L -Z -S', '-S'],
  ['-x -S', '-x'],
  ['-n -S', '-n'],
  ['-n -A INPUT', '-n'],
  ['--line-numbers -S', '--line-numbers'],
  ['-c 1 2 -L', '-c'],
  ['-c 1 2 -Z', '-c'],
  ['-c 1 2 -D INPUT', '-c'],
  ['-c 1 2 -C INPUT', '-c'],
  ['-D INPUT 1 -j ACCEPT', '-j'],
  ['-n -n -L INPUT', '-n'],
  ['-x -x -L', '-x'],
  ['-N ACCEPT', 'ACCEPT'],
  ['-N LOG', 'LOG'],
  ['-N -x', '-x'],
  ['-N !x', '!x'],
  ['-N aaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  ['-wx -L INPUT', '-wx'],
  ['-W 5 -L INPUT', '-W'],
  ['-w 5 -W foo -S', 'foo'],
  ['-6 -L INPUT', '-6'],
  ['-A INPUT -6 -j ACCEPT', '-6'],
  ['-A INPUT --ipv6 -j ACCEPT', '--ipv6'],
  ['foo', 'foo'],
  ['-F INPUT 1', '1'],
  ['-X a b', 'b'],
  ['-C INPUT 1', '1'],
  ['-L -tnat PREROUTING', 'PREROUTING'],
  ['-A INPUT -j ACCEPT foo', 'foo'],
  ['-A INPUT -- -j ACCEPT', '-j'],
  ['-S ! INPUT', 'INPUT'],
  ['! -S INPUT', '-S'],
  ['! -A INPUT', '-A'],
  ['! -v -S', '-v'],
  ['! -t nat -S', '-t'],
  ['! --line-numbers -L', '--line-numbers'],
  ['-A INPUT !', '!'],
  ['-A INPUT ! ! -s 1.1.1.1', '!'],
  ['-o eth0 -A INPUT', '-o'],
  ['-A OUTPUT -i eth0', '-i'],
  ['-p tcp --dport 22 -F', '-p'],
  ['--dport 22 -S', '--dport'],
  ['-0 -L', '-0'],
  ['-Q', '-Q'],
  ['--nope', '--nope'],
  ['--li', '--li'],
  ['--re', '--re'],
  ['--numeric=3 -L', '--numeric=3'],
  ['-M', ''],
  ['-R INPUT 1 -s 1.1.1.1,2.2.2.2 -j ACCEPT', '-R'],
  ['-t nat -P PREROUTING DROP', 'DROP'],
  ['-t nat -A PREROUTING -j DROP', 'DROP'],
  ['-A INPUT -p tcp --dport foo', 'foo'],
  ['-A INPUT -s not/an/address', 'not/an/address'],
];

for (const backend of backends) {
  describe(`run, beside iptables-${backend}`, () => {
    it('rules', () => sideBySide(backend, rules));
    it('chains', () => sideBySide(backend, chains));
    it('counters', () => sideBySide(backend, counters));
    it('what is refused before anything is looked at', () =>
      sideBySide(
        backend,
        refused.map(([line]) => line),
      ));
  });
}

describe('run on an nf_tables kernel without the table', () => {
  const ruleset = async (ns: TestNamespace): Promise<string> => (await ns.must('nft', ['list', 'ruleset'])).trim();

  it('empties all chains of it without making it, as the real program', async () => {
    for (const line of ['-F', '-Z', '-X', '-t nat -F']) {
      await withIptables(async (ipt, mine) => {
        assert.deepEqual(await ipt.run(line), { stdout: '', changed: false }, line);
        assert.equal(await ruleset(mine), '', line);
        await withNamespace(async (theirs) => {
          assert.equal(await theirs.must('iptables-nft', words(line)), '');
          assert.equal(await ruleset(theirs), '', line);
        });
      });
    }
  });

  it('-X takes all chains there are when it commits, one made meanwhile too', async (t) => {
    await withIptables(async (ipt, ns) => {
      await ipt.run('-N FIRST');
      const plain = Connection.prototype.on;
      let late = false;
      t.mock.method(Connection.prototype, 'on', function* (this: Connection, ...args: Parameters<typeof plain>): Verb<unknown> {
        const reply = yield* plain.apply(this, args);
        if (args[1] === 'dump of chains' && !late) {
          late = true;
          ns.mustSync('iptables-nft', ['-N', 'LATE']);
        }
        return reply;
      });
      assert.deepEqual(await ipt.run('-X'), { stdout: '', changed: true });
      assert.equal(late, true);
      t.mock.restoreAll();
      assert.deepEqual(await ipt.listChains('filter'), ['INPUT', 'FORWARD', 'OUTPUT']);
      assert.deepEqual(await ipt.run('-X'), { stdout: '', changed: false });
    });
  });

  it('neither do flushChain, a transaction and save text that empty it; beside one that is there, that is emptied', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.flushChain('filter');
      const both = ipt.transaction('filter');
      both.flushChain();
      both.zero();
      await both.commit();
      await ipt.restore('*filter\n-F\nCOMMIT\n', { noflush: true });
      assert.equal(await ruleset(ns), '');
      await ns.must('iptables-nft', ['-A', 'INPUT', '-j', 'ACCEPT']);
      await ipt.restore('*nat\n-F\nCOMMIT\n*filter\n-F\nCOMMIT\n', { noflush: true });
      assert.match(await ruleset(ns), /^table ip filter \{\s*chain INPUT \{[^}]*\}\s*\}$/);
      assert.equal(await ns.must('iptables-nft', ['-S', 'INPUT']), '-P INPUT ACCEPT\n');
    });
  });

  it('makes a chain that -F names, and what a transaction needs after it has emptied all', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.run('-F INPUT');
      assert.match(await ruleset(ns), /chain INPUT/);
      const transaction = ipt.transaction('nat');
      transaction.flushChain();
      transaction.append('OUTPUT', '-j RETURN');
      await transaction.commit();
      assert.match(await ns.must('iptables-nft', ['-t', 'nat', '-S', 'OUTPUT']), /^-A OUTPUT -j RETURN$/m);
    });
  });

  it('-v -Z names the chains that are there, -v -F all', async () => {
    await withIptables(async (ipt, mine) => {
      await withNamespace(async (theirs) => {
        for (const ns of [mine, theirs])
          await ns.must('iptables-nft-restore', [], { input: '*filter\n:USER - [0:0]\n-A OUTPUT -j USER\nCOMMIT\n' });
        for (const line of [
          '-vZ',
          '-vZ OUTPUT',
          '-v -t nat -Z',
          '-vL -Z',
          '-vS -Z',
          '-vZ -L INPUT',
          '-vZ USER',
          '-vF OUTPUT',
          '-vF',
          '-v -t nat -F',
        ])
          assert.equal((await ipt.run(line)).stdout, await theirs.must('iptables-nft', words(line)), line);
      });
    });
  });
});

describe('run on legacy tables', () => {
  it('finds a rule every time: of an extension’s name only what the kernel writes is compared', async () => {
    await withIptables(
      async (ipt) => {
        await ipt.run('-A INPUT -s 10.0.0.1,10.0.0.2 -p tcp --dport 22 -j LOG');
        for (let i = 0; i < 200; i++) await ipt.run('-C INPUT -s 10.0.0.1 -p tcp --dport 22 -j LOG');
      },
      { backend: 'legacy' },
    );
  });
});

describe('run', () => {
  it('names the word that is wrong', async () => {
    await withIptables(async (ipt) => {
      for (const [line, word] of refused) await assert.rejects(ipt.run(line), { code: 'ERR_RULE_SYNTAX', word }, line);
    });
  });

  it('takes a list of words, each as it is', async () => {
    await withIptables(async (ipt) => {
      const comment = `it's "so" # ! -j`;
      assert.deepEqual(await ipt.run(['-A', 'INPUT', '-m', 'comment', '--comment', comment]), { stdout: '', changed: true });
      assert.equal((await ipt.list('filter', 'INPUT'))[0]?.comment, comment);
      assert.deepEqual(ipt.runSync(['-S', 'INPUT', '1']), {
        stdout: `-A INPUT -m comment --comment "it\\'s \\"so\\" # ! -j"\n`,
        changed: false,
      });
    });
  });

  for (const backend of backends) {
    it(`says what changed on ${backend} where all is as before`, async () => {
      await withIptables(
        async (ipt) => {
          const changed = async (line: string): Promise<boolean> => (await ipt.run(line)).changed;
          for (const line of ['-F', '-Z', '-X']) assert.equal(await changed(line), false, `${line} without the table`);
          await ipt.run('-P INPUT DROP');
          for (const line of ['-F', '-P INPUT DROP']) assert.equal(await changed(line), true, line);
          assert.equal(await changed('-Z'), backend === 'legacy');
          assert.equal(await changed('-X'), false);
        },
        { backend },
      );
    });
  }

  it('says what changed', async () => {
    await withIptables(async (ipt) => {
      const changed = async (line: string): Promise<boolean> => (await ipt.run(line)).changed;
      assert.equal(await changed('-A INPUT -c 1 2'), true);
      assert.equal(await changed('-C INPUT'), false);
      assert.equal(await changed('-L'), false);
      assert.equal(await changed('-L -Z'), true);
      assert.equal(await changed('-Z'), false);
      assert.equal(await changed('-X'), false);
      assert.equal(await changed('-N a'), true);
      assert.equal(await changed('-X'), true);
      assert.equal(await changed('-h'), false);
    });
  });

  it('-V names program, version and backend; -h the commands; both look at nothing else', async () => {
    await withIptables(async (ipt) => {
      assert.match((await ipt.run('-V')).stdout, /^nflink v\d+\.\d+\.\d+\S* \(nf_tables\)\n$/);
      assert.match((await ipt.run('--help -A')).stdout, /-A chain rule/);
      assert.match((await ipt.run('-A INPUT -V -j NOPE')).stdout, /^nflink v/);
      assert.match((await ipt.run('-p tcp -h')).stdout, /-A chain rule/);
    });
  });

  it('does what the real program does not: a line is all or nothing, builtin chains stay, a rule number must be one', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.run('-A INPUT -s 1.1.1.1');
      await assert.rejects(ipt.run('-D INPUT -s 1.1.1.1,2.2.2.2'), { code: 'ENOENT' });
      assert.match(await ns.must('iptables-nft-save'), /-A INPUT -s 1.1.1.1/);
      await assert.rejects(ipt.run('-X FORWARD'), { code: 'EINVAL' });
      await assert.rejects(ipt.run('-Z INPUT 7'), { code: 'E2BIG' });
      assert.deepEqual(await ipt.run('-t mangle -Z INPUT'), { stdout: '', changed: false });
      await assert.rejects(ipt.run('-m tcp -F'), { code: 'ERR_RULE_SYNTAX', word: '-m' });
      await assert.rejects(ipt.run('-s localhost -A INPUT'), { code: 'ERR_RULE_SYNTAX', word: 'localhost' });
    });
  });

  it('-P with -c sets the counters of the chain', async () => {
    await withIptables(async (ipt) => {
      await ipt.run('-P INPUT DROP -c 3 4');
      assert.match((await ipt.run('-vS')).stdout, /^-P INPUT DROP -c 3 4$/m);
    });
  });
});
