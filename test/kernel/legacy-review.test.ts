// Legacy tables where nflink said another thing than the real program, or than a real table: each difference is pinned here.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { Iptables, type IptablesTransaction, type NetfilterError } from '../../lib/index.ts';
import { NOT_CHECKED } from '../../lib/iptables/legacy/commit.ts';
import { layouts } from '../../lib/iptables/legacy/layout.ts';
import { lockPath } from '../../lib/iptables/legacy/requests.ts';
import { CommandWriter } from '../../lib/iptables/legacy/wire.ts';
import { XT_IP6 } from '../../lib/native.ts';
import { runSync } from '../../lib/run.ts';
import { withIptables } from '../support/iptables.ts';
import { ownLockFile } from '../support/lock-file.ts';
import { TestNamespace, withNamespace } from '../support/namespace.ts';
import { failureOf } from '../support/nft.ts';
import { Random } from '../support/random.ts';

ownLockFile();
const legacy = { backend: 'legacy' } as const;

/** The tables the namespace has; asking makes none. */
const tablesOf = (ns: TestNamespace, family: 'ip' | 'ip6' = 'ip'): string[] =>
  ns
    .mustSync('cat', [`/proc/self/net/${family}_tables_names`])
    .split('\n')
    .filter(Boolean)
    .sort();

describe("backend 'auto'", () => {
  const chosen = async (ns: TestNamespace, family: 'ip' | 'ip6' = 'ip') => {
    const ipt = await Iptables.open({ family, netns: ns.path });
    await ipt.close();
    return ipt.backend;
  };

  it('a jump is one rule: three of them and their chain are fewer than five rules', async () => {
    await withNamespace(async (ns) => {
      ns.mustSync('iptables-nft-restore', [], {
        input: '*filter\n:X - [0:0]\n-A INPUT -j X\n-A FORWARD -g X\n-A OUTPUT -j X\nCOMMIT\n',
      });
      for (let n = 1; n <= 5; n++) ns.mustSync('iptables-legacy', ['-A', 'INPUT', '-s', `10.0.0.${n}`, '-j', 'DROP']);
      assert.deepEqual(await chosen(ns), {
        name: 'legacy',
        why: 'legacy holds more: 5 rules and user chains, nf_tables 4',
        otherHasRules: true,
      });
      // Of both families, whichever is asked for.
      assert.deepEqual((await chosen(ns, 'ip6')).name, 'legacy');
      assert.equal((await chosen(ns, 'ip6')).otherHasRules, false);
      ns.mustSync('iptables-legacy', ['-D', 'INPUT', '1']);
      assert.equal((await chosen(ns)).why, 'nf_tables holds as many rules and user chains or more: 4, legacy 4');
    });
  });

  it('rules that iptables does not see count for nothing', async () => {
    await withNamespace(async (ns) => {
      ns.mustSync('iptables-nft', ['-A', 'INPUT', '-j', 'DROP']);
      const rule = 'add rule ip filter own drop\n';
      ns.mustSync('nft', ['-f', '-'], {
        input: `add chain ip filter own { type filter hook input priority 7; }\n${rule.repeat(9)}add table ip other\nadd chain ip other c\nadd rule ip other c drop\n`,
      });
      for (let n = 1; n <= 2; n++) ns.mustSync('ip6tables-legacy', ['-A', 'INPUT', '-j', 'DROP']);
      assert.equal((await chosen(ns)).why, 'legacy holds more: 2 rules and user chains, nf_tables 1');
    });
  });

  it('where one holds nothing, nothing is counted', async () => {
    await withNamespace(async (ns) => {
      ns.mustSync('iptables-nft', ['-A', 'INPUT', '-j', 'DROP']);
      assert.deepEqual(await chosen(ns), { name: 'nft', why: 'nf_tables holds rules or user chains, legacy none', otherHasRules: false });
    });
    await withNamespace(async (ns) => {
      ns.mustSync('ip6tables-legacy', ['-N', 'X']);
      assert.deepEqual(await chosen(ns), {
        name: 'legacy',
        why: 'legacy holds rules or user chains, nf_tables none',
        otherHasRules: false,
      });
    });
  });
});

it('a rule is the same in any revision of as many bytes, as for iptables-legacy', async () => {
  await withIptables(async (ipt, ns) => {
    const old = { matches: [{ name: 'socket', revision: 1, data: new Uint8Array(8) }] };
    await ipt.append('mangle', 'PREROUTING', old);
    assert.equal(ns.runSync('iptables-legacy', ['-t', 'mangle', '-C', 'PREROUTING', '-m', 'socket']).code, 0);
    assert.equal(await ipt.exists('mangle', 'PREROUTING', '-m socket'), true);
    assert.equal(await ipt.exists('mangle', 'PREROUTING', old), true);
    assert.equal(await ipt.exists('mangle', 'PREROUTING', '-m socket --transparent'), false);
    assert.equal(await ipt.appendUnique('mangle', 'PREROUTING', '-m socket'), false);
    assert.equal(await ipt.deleteIfExists('mangle', 'PREROUTING', '-m socket'), true);
  }, legacy);
});

describe('a table that is not there', () => {
  const places: { readonly ns: TestNamespace; readonly ipt: Iptables }[] = [];
  before(async () => {
    for (const made of [false, true]) {
      const ns = await TestNamespace.create();
      if (made) ns.mustSync('iptables-legacy', ['-S']);
      places.push({ ns, ipt: Iptables.openSync({ family: 'ip', backend: 'legacy', netns: ns.path }) });
    }
  });
  after(async () => {
    for (const { ns, ipt } of places) {
      ipt.closeSync();
      await ns.close();
    }
  });

  type Fill = (tx: IptablesTransaction) => unknown;
  /** What the commands come to where the table is missing and where it is there; both stay as they are. */
  function answers(fill: Fill): readonly unknown[] {
    return places.map(({ ipt }) => {
      try {
        const tx = ipt.transaction('filter');
        fill(tx);
        tx.checkSync();
        return 'done';
      } catch (err) {
        const { code, errno, outcome, operation, message } = err as NetfilterError;
        return { code, errno, outcome, operation, message };
      }
    });
  }

  const cases: Readonly<Record<string, Fill>> = {
    'deletes a builtin chain': (tx) => tx.deleteChain('INPUT'),
    'jumps to a builtin chain': (tx) => tx.append('INPUT', '-j OUTPUT'),
    'deletes a jump to a builtin chain': (tx) => tx.delete('INPUT', '-g OUTPUT'),
    'deletes a chain that a rule jumps to': (tx) => [tx.newChain('X'), tx.append('INPUT', '-j X'), tx.deleteChain('X')],
    'deletes a chain that jumps to itself': (tx) => [tx.newChain('X'), tx.append('X', '-g X'), tx.deleteChain('X')],
    'deletes a chain after its jump': (tx) => [tx.newChain('X'), tx.append('INPUT', '-j X'), tx.deleteAt('INPUT', 1), tx.deleteChain('X')],
    'deletes a chain with rules': (tx) => [tx.newChain('X'), tx.append('X', '-j DROP'), tx.deleteChain('X')],
    'deletes a renamed chain with its jumps': (tx) => [
      tx.newChain('X'),
      tx.append('INPUT', '-j X'),
      tx.renameChain('X', 'Y'),
      tx.delete('INPUT', '-j Y'),
      tx.deleteChain('Y'),
    ],
    'deletes a goto that was a jump': (tx) => [tx.newChain('X'), tx.append('INPUT', '-j X'), tx.delete('INPUT', '-g X')],
    'deletes a rule in other words': (tx) => [
      tx.append('INPUT', '-m mark --mark 4/0xffffffff -j DROP -c 3 4'),
      tx.delete('INPUT', '-m mark --mark 0x4 -j DROP'),
    ],
    'deletes a rule of an older revision': (tx) => [
      tx.append('INPUT', { matches: [{ name: 'socket', revision: 1, data: new Uint8Array(8) }] }),
      tx.delete('INPUT', '-m socket'),
    ],
  };
  for (const [name, fill] of Object.entries(cases)) {
    it(`answers as a real one to who ${name}`, () => {
      const [a, b] = answers(fill);
      assert.deepEqual(a, b);
    });
  }

  it('answers as a real one to any commands', () => {
    const random = new Random(20);
    const chains = ['INPUT', 'OUTPUT', 'A', 'B', 'C'];
    const rules = ['-j DROP', '-s 10.0.0.0/8 -j A', '-j A', '-g A', '-j B', '-p tcp', '-j C', '-j INPUT'];
    let refused = 0;
    let done = 0;
    const codes = new Set<string>();
    for (let round = 0; round < 1500; round++) {
      const verbs = Array.from({ length: 1 + random.below(7) }, () => {
        const name = random.pick(['A', 'B', 'C', 'OUTPUT']);
        return [
          random.below(11),
          random.pick(chains),
          rules[random.below(random.below(rules.length) + 1)] as string,
          name,
          1 + random.below(2),
        ] as const;
      });
      const [a, b] = answers((tx) => {
        tx.newChain('A');
        tx.newChain('B');
        for (const [verb, chain, rule, name, number] of verbs) {
          const user = chain === 'INPUT' || chain === 'OUTPUT' ? 'A' : chain;
          if (verb < 3) tx.append(chain, rule);
          else if (verb === 3) tx.insert(chain, number, rule);
          else if (verb === 4) tx.replace(chain, number, rule);
          else if (verb === 5) tx.delete(chain, rule);
          else if (verb === 6) tx.deleteAt(chain, number);
          else if (verb === 7) tx.newChain(name);
          else if (verb === 8) tx.deleteChain(number === 1 ? user : chain);
          else if (verb === 9) tx.flushChain(chain);
          else tx.renameChain(user, name);
        }
      });
      assert.deepEqual(a, b, JSON.stringify(verbs));
      if (a === 'done') done++;
      else {
        refused++;
        codes.add((a as NetfilterError).code);
      }
    }
    // Each answer was among them, often.
    assert.ok(done > 40 && refused > 40, `${done} done, ${refused} refused`);
    assert.deepEqual([...codes].sort(), ['E2BIG', 'EBUSY', 'EEXIST', 'EINVAL', 'ENOENT']);
    assert.deepEqual(
      places.map(({ ns }) => tablesOf(ns)),
      [[], ['filter']],
    );
  });

  it('is not made by a command that is refused', async () => {
    await withIptables(async (ipt, ns) => {
      const refused: Readonly<Record<string, () => unknown>> = {
        ENOENT: () => ipt.append('security', 'NOSUCH', '-s 1.1.1.1'),
        E2BIG: () => ipt.insertSync('raw', 'OUTPUT', 2, '-j DROP'),
        EEXIST: () => ipt.newChain('nat', 'OUTPUT'),
        EINVAL: () => ipt.append('mangle', 'OUTPUT', '-j INPUT'),
        EBUSY: () => ipt.restore('*filter\n:X - [0:0]\n-A INPUT -j X\n-X X\nCOMMIT\n'),
      };
      for (const [code, call] of Object.entries(refused)) assert.equal((await failureOf(call)).code, code);
      assert.equal(await ipt.ensureChain('nat', 'OUTPUT'), false);
      assert.deepEqual(tablesOf(ns), []);
      assert.equal(await ipt.ensureChain('nat', 'X'), true);
      assert.equal(await ipt.appendUnique('raw', 'OUTPUT', '-j DROP'), true);
      await ipt.setPolicy('security', 'INPUT', 'DROP');
      await ipt.restore('*mangle\n:X - [0:0]\n-A INPUT -j X\nCOMMIT\n');
      assert.deepEqual(tablesOf(ns), ['mangle', 'nat', 'raw', 'security']);
      assert.match(ns.mustSync('iptables-legacy-save', []), /^-A OUTPUT -j DROP$/m);
    }, legacy);
  });
});

for (const family of ['ip', 'ip6'] as const) {
  it(`${family}: a rule that no option says stands in saved text, and what it leaves of the table too`, async () => {
    await withIptables(
      async (ipt, ns) => {
        const own = family === 'ip' ? '10.0.0.1' : 'fd00::1';
        await ipt.append('filter', 'INPUT', `-s ${own} -j DROP`);
        // IPT_INV_TOS, which the kernel takes and iptables has no word for.
        const connection = runSync(Connection.open(ns.path));
        try {
          const writer = new CommandWriter({ family, backend: 'legacy', setIndex: () => 0, setName: () => '' }, 1);
          writer.push('append', { chain: 'INPUT', rule: { family, matches: [], target: { verdict: 'drop' } } });
          // The name of the chain follows its entry.
          const { words, bytes } = writer;
          const entry = words[4] as number;
          bytes[entry + layouts[family].inverted] = 0x04;
          const reply = runSync(
            connection.on(
              'batch',
              'append',
              (c) => c.xtCommitSync(family === 'ip' ? 0 : XT_IP6, 'filter', lockPath(), words, bytes, NOT_CHECKED),
              (c) => c.xtCommit(family === 'ip' ? 0 : XT_IP6, 'filter', lockPath(), words, bytes, NOT_CHECKED),
            ),
          );
          assert.deepEqual([reply.failure, reply.refusal], [undefined, undefined]);
        } finally {
          connection.closeSync();
        }
        const unsayable = '-A INPUT [unsupported: xt_entry]';
        assert.equal((await ipt.list('filter', 'INPUT')).length, 2);
        // The real program prints the table, each rule in its place.
        const real = ns.mustSync(`${family}tables-legacy-save`, []).split('\n');
        const saved = (await ipt.save()).split('\n');
        const lines = (text: readonly string[]) => text.filter((line) => /^[*:]|^-A|^COMMIT/.test(line));
        assert.deepEqual(
          lines(saved),
          lines(real).map((line) => (line === '-A INPUT -j DROP' ? unsayable : line)),
        );
        assert.ok((await ipt.save({ counters: true })).split('\n').includes(`[0:0] ${unsayable}`));
        assert.ok((await ipt.run('-S INPUT')).stdout.split('\n').includes(unsayable));
        // And nobody restores the text as if nothing were missing.
        assert.equal(
          await ipt.restore(saved.join('\n')).then(
            () => 'restored',
            (err: NetfilterError) => err.code,
          ),
          'ERR_RULE_SYNTAX',
        );
      },
      { ...legacy, family },
    );
  });
}

describe('what an error says', () => {
  it('of an extension that the kernel has not', async () => {
    await withIptables(async (ipt) => {
      const target = { name: 'NOSUCH', revision: 0, data: new Uint8Array(8) };
      const err = await failureOf(() => ipt.append('filter', 'INPUT', { target }));
      assert.deepEqual([err.code, err.outcome], ['ENOENT', 'not-applied']);
      assert.match(err.message, /the kernel has no such match, target or revision, or not what one of them names/);
      const match = { name: 'nosuch', revision: 0, data: new Uint8Array(8) };
      assert.match(
        (await failureOf(() => ipt.append('filter', 'INPUT', { matches: [match] }))).message,
        /no such match, target or revision/,
      );
    }, legacy);
  });

  it('of deleting a builtin chain: the same by verb, by transaction and by command line', async () => {
    await withIptables(async (ipt) => {
      for (const made of [false, true]) {
        if (made) await ipt.append('nat', 'INPUT', '-j RETURN');
        const tx = ipt.transaction('nat');
        tx.deleteChain('INPUT');
        for (const call of [() => ipt.deleteChain('nat', 'INPUT'), () => tx.commit(), () => ipt.run('-t nat -X INPUT')]) {
          const err = await failureOf(call);
          assert.deepEqual([err.code, err.errno, err.outcome], ['EINVAL', -22, 'not-applied']);
          assert.match(err.message, /INPUT is a builtin chain of table nat: those are not deleted/);
        }
      }
    }, legacy);
  });

  it('of a rule in the wrong place: no more than can be known', async () => {
    await withIptables(async (ipt) => {
      const err = await failureOf(() => ipt.append('filter', 'INPUT', '-j MASQUERADE'));
      assert.equal(err.code, 'EINVAL');
      assert.match(err.message, /: perhaps a rule is not for this table, chain or protocol;/);
    }, legacy);
  });
});

describe('what a commit does to counters', () => {
  const send = 'const s = require("dgram").createSocket("udp4"); s.send("x", 9, "127.0.0.1", () => s.close());';
  const saved = (ns: TestNamespace): string[] =>
    ns
      .mustSync('iptables-legacy-save', ['-c', '-t', 'filter'])
      .split('\n')
      .filter((line) => /^:|-A/.test(line));

  it('those of all policies of the table are zero, those of rules stay; as with the real program', async () => {
    const after: string[][] = [];
    for (const ours of [false, true]) {
      await withIptables(async (ipt, ns) => {
        ns.up();
        ns.mustSync('iptables-legacy', ['-A', 'INPUT', '-i', 'lo']);
        ns.mustSync('iptables-legacy', ['-t', 'nat', '-P', 'INPUT', 'ACCEPT']);
        ns.mustSync(process.execPath, ['-e', send]);
        // Sent, received, and the answer that nobody listens.
        assert.match(saved(ns).join('\n'), /^:INPUT ACCEPT \[2:86\]\n:FORWARD .*\n:OUTPUT ACCEPT \[2:86\]\n\[2:86\] -A INPUT -i lo$/);
        if (ours) await ipt.append('filter', 'OUTPUT', '-j RETURN');
        else ns.mustSync('iptables-legacy', ['-A', 'OUTPUT', '-j', 'RETURN']);
        after.push(saved(ns));
      }, legacy);
    }
    const zero = ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`);
    assert.deepEqual(after[0], [...zero, '[2:86] -A INPUT -i lo', '[0:0] -A OUTPUT -j RETURN']);
    assert.deepEqual(after[1], after[0]);
  });

  it('a count given with -c outlives a zero() of the same transaction, not of the next', async () => {
    await withIptables(async (ipt, ns) => {
      const tx = ipt.transaction('filter');
      tx.append('INPUT', '-i lo -c 3 4');
      tx.zero();
      await tx.commit();
      assert.ok(saved(ns).includes('[3:4] -A INPUT -i lo'));
      await ipt.zero('filter');
      assert.ok(saved(ns).includes('[0:0] -A INPUT -i lo'));
    }, legacy);
  });
});
