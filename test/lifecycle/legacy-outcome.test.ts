// What a failed legacy commit says of itself is true: the kernel's two requests are made to fail in every way, and the real
// program's save tells whether `outcome` was right.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { noLeakCheck, programOutput } from '../support/child.ts';
import { compileC } from '../support/compile-c.ts';
import { root } from '../support/fixtures.ts';
import { ownLockFile } from '../support/lock-file.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import type { LegacyEnd, LegacyWork } from './programs/legacy-work.ts';

const [ENOENT, EAGAIN, ENOMEM, EINVAL] = [2, 11, 12, 22];
const folder = dirname(ownLockFile());
const log = join(folder, 'requests');

let preload = '';
before(() => {
  const object = compileC(join(root, 'test', 'lifecycle', 'xt-faults.c'), { shared: true });
  preload = `${process.env['LD_PRELOAD'] ?? ''} ${object}`.trim();
});

interface Faults {
  /** As xt-faults.c takes them. */
  readonly replace?: string;
  readonly counters?: string;
  readonly command?: string;
}
interface Ended {
  readonly ends: readonly LegacyEnd[];
  /** The requests that changed something: R for SO_SET_REPLACE, C for SO_SET_ADD_COUNTERS. */
  readonly requests: string;
}

/** Does the work in a process whose requests fail. */
async function failing(work: LegacyWork, faults: Faults): Promise<Ended> {
  rmSync(log, { force: true });
  const env = {
    // A process of its own is started by the preloaded object, which the leak checker does not survive.
    ...noLeakCheck,
    LD_PRELOAD: preload,
    // malloc(3) fills what it gives: nothing may be judged by what was in memory before.
    MALLOC_PERTURB_: '190',
    NFLINK_FAULT_LOG: log,
    NFLINK_FAULTS_REPLACE: faults.replace ?? '',
    NFLINK_FAULTS_COUNTERS: faults.counters ?? '',
    ...(faults.command === undefined ? {} : { NFLINK_FAULT_COMMAND: faults.command }),
  };
  const ends = JSON.parse(await programOutput('legacy-work', [JSON.stringify(work)], { env })) as LegacyEnd[];
  return { ends, requests: existsSync(log) ? readFileSync(log, 'utf8') : '' };
}

const program = { ip: 'iptables-legacy', ip6: 'ip6tables-legacy' } as const;

/** What the real program saves, without its comment lines; `[0:0]` and other counters stay. */
function saved(ns: TestNamespace, family: 'ip' | 'ip6' = 'ip', ...args: readonly string[]): string {
  return ns.mustSync(`${program[family]}-save`, args).replace(/^#.*\n/gm, '');
}
const rulesOf = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('-A '));

const seed = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.1/32 -j DROP\nCOMMIT\n';
async function seeded(fn: (ns: TestNamespace) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    ns.mustSync('iptables-legacy-restore', [], { input: seed });
    await fn(ns);
  });
}
const NEW = '-p tcp -m tcp --dport 22 -m comment --comment new -j ACCEPT';
const append = (ns: TestNamespace, sync = false): LegacyWork => ({
  netns: ns.path,
  family: 'ip',
  sync,
  twice: true,
  commands: [['append', 'INPUT', NEW]],
});
const only = (ended: Ended): LegacyEnd => ended.ends[0] as LegacyEnd;

test('the faults work: without one nothing is different, and both requests are seen', async () => {
  await seeded(async (ns) => {
    const ended = await failing({ ...append(ns), twice: false }, {});
    assert.deepEqual([ended.ends, ended.requests], [[{ end: 'done' }], 'RC']);
    assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.0.0.1/32 -j DROP', `-A INPUT ${NEW}`]);
  });
});

for (const sync of [false, true]) {
  const form = sync ? ' (sync)' : '';
  test(`counters refused after the rules were taken: applied, and the counters are called lost${form}`, async () => {
    await seeded(async (ns) => {
      const ended = await failing(append(ns, sync), { counters: `instead ${EINVAL}` });
      const { end, outcome, tables, message = '', operation } = only(ended);
      assert.deepEqual([end, outcome, tables, operation], ['EINVAL', 'applied', ['filter'], 'append']);
      assert.match(message, /applied, but counters .* are lost/);
      // It is done: committed again it would be there twice.
      assert.equal(ended.ends[1]?.end, 'ERR_TRANSACTION_DONE');
      assert.equal(ended.requests, 'RC');
      assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.0.0.1/32 -j DROP', `-A INPUT ${NEW}`]);
    });
  });
}

for (const [error, code] of [
  [ENOMEM, 'ENOMEM'],
  [EINVAL, 'EINVAL'],
  [ENOENT, 'ENOENT'],
  [1, 'EPERM'],
] as const) {
  test(`rules refused with ${code}: not applied, and the table is as it was`, async () => {
    await seeded(async (ns) => {
      const before = saved(ns);
      const ended = await failing(append(ns), { replace: `instead ${error}` });
      const { end, outcome, tables, message = '' } = only(ended);
      assert.deepEqual([end, outcome, tables], [code, 'not-applied', []]);
      assert.match(message, /the table is as it was/);
      assert.equal(ended.ends[1]?.end, 'ERR_TRANSACTION_DONE');
      assert.equal(ended.requests, 'R');
      assert.equal(saved(ns), before);
    });
  });
}

test('rules taken and called refused all the same: applied is said, because the table was looked at', async () => {
  await seeded(async (ns) => {
    const ended = await failing(append(ns), { replace: `after ${ENOMEM}` });
    assert.deepEqual([only(ended).end, only(ended).outcome, only(ended).tables], ['ENOMEM', 'applied', ['filter']]);
    assert.equal(ended.requests, 'R');
    assert.deepEqual(rulesOf(saved(ns)).length, 2);
  });
});

test('somebody else writes amid a commit that fails: unknown, and what is there is theirs', async () => {
  await seeded(async (ns) => {
    const command = 'XTABLES_LOCKFILE=/dev/null iptables-legacy -A INPUT -s 10.9.9.9 -j DROP';
    const ended = await failing(append(ns), { replace: `instead ${ENOMEM} command`, command });
    assert.deepEqual([only(ended).end, only(ended).outcome, only(ended).tables], ['ENOMEM', 'unknown', []]);
    assert.match(only(ended).message ?? '', /neither what it held before nor what was asked for/);
    assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.0.0.1/32 -j DROP', '-A INPUT -s 10.9.9.9/32 -j DROP']);
  });
});

test('somebody else writes between our rules and our counters: unknown, and what is there is both', async () => {
  await seeded(async (ns) => {
    const command = 'XTABLES_LOCKFILE=/dev/null iptables-legacy -A INPUT -s 10.9.9.9 -j DROP';
    const ended = await failing(append(ns), { counters: 'pass command', command });
    // No fault of the preloaded object: the kernel itself refuses counters for another number of entries.
    assert.deepEqual([only(ended).end, only(ended).outcome], ['EINVAL', 'unknown']);
    assert.equal(ended.requests, 'RC');
    assert.equal(rulesOf(saved(ns)).length, 3);
  });
});

// Commands that leave the rules as they are: only counters tell whether the kernel took the table.
const counted = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [7:700]
:OUTPUT ACCEPT [0:0]
:some - [0:0]
-A INPUT -s 10.0.0.1/32 -j DROP
[5:500] -A INPUT -s 10.0.0.2/32 -j DROP
COMMIT
`;
const uncounted = counted.replace(/\[7:700\]/, '[0:0]').replace('[5:500] ', '');
const sameRules: readonly (readonly [string, NonNullable<LegacyWork['commands']>])[] = [
  ['zero of all', [['zero']]],
  ['zero of a chain', [['zero', 'INPUT']]],
  ['a policy as it was', [['setPolicy', 'INPUT', 'ACCEPT']]],
  ['a rule in the place of its like', [['replace', 'INPUT', 1, '-s 10.0.0.1/32 -j DROP']]],
  [
    'a rule added and deleted',
    [
      ['append', 'OUTPUT', NEW],
      ['delete', 'OUTPUT', NEW],
    ],
  ],
];
const policyOnly = counted.replace('[5:500] ', '');
for (const [what, commands] of sameRules) {
  test(`${what}: counters that were lost tell that it was applied, and where none were there nothing is said`, async () => {
    await withNamespace(async (ns) => {
      for (const text of [counted, policyOnly]) {
        ns.mustSync('iptables-legacy-restore', ['-c'], { input: text });
        const ended = await failing({ netns: ns.path, family: 'ip', commands }, { counters: `instead ${ENOMEM}` });
        assert.deepEqual([only(ended).end, only(ended).outcome], ['ENOMEM', 'applied'], only(ended).message);
        assert.match(only(ended).message ?? '', /counters of rules and chains are lost/);
        assert.equal(saved(ns, 'ip', '-c'), uncounted.replaceAll('-A INPUT', '[0:0] -A INPUT'));
      }
      for (const fault of [{ counters: `instead ${ENOMEM}` }, { replace: `instead ${ENOMEM}` }]) {
        const ended = await failing({ netns: ns.path, family: 'ip', commands }, fault);
        assert.deepEqual([only(ended).end, only(ended).outcome, only(ended).tables], ['ENOMEM', 'unknown', []]);
        assert.match(only(ended).message ?? '', /the rules asked for are those that were there/);
      }
    });
  });
}

test('EAGAIN: the table is read anew and the commands done again, until the kernel takes them', async () => {
  await seeded(async (ns) => {
    const times = Array.from({ length: 9 }, () => `instead ${EAGAIN}`).join(',');
    const ended = await failing({ ...append(ns), twice: false }, { replace: times });
    assert.deepEqual([ended.ends, ended.requests], [[{ end: 'done' }], `${'R'.repeat(10)}C`]);
    assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.0.0.1/32 -j DROP', `-A INPUT ${NEW}`]);
  });
});

test('a real EAGAIN, from a program that does not take the lock: its rule and ours are both there', async () => {
  await seeded(async (ns) => {
    const command = 'XTABLES_LOCKFILE=/dev/null iptables-legacy -A INPUT -s 10.9.9.9 -j DROP';
    const ended = await failing({ ...append(ns), twice: false }, { replace: 'pass command', command });
    assert.deepEqual([ended.ends, ended.requests], [[{ end: 'done' }], 'RRC']);
    assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.0.0.1/32 -j DROP', '-A INPUT -s 10.9.9.9/32 -j DROP', `-A INPUT ${NEW}`]);
  });
});

for (const sync of [false, true]) {
  const commit = (ns: TestNamespace): LegacyWork => ({ netns: ns.path, family: 'ip', sync, expecting: NEW });
  test(`a commit with a condition is done again after EAGAIN only on that condition${sync ? ' (sync)' : ''}`, async () => {
    await seeded(async (ns) => {
      const ended = await failing(commit(ns), { replace: `instead ${EAGAIN},instead ${EAGAIN}` });
      assert.deepEqual([ended.ends, ended.requests], [[{ end: 'done' }], 'RRRC']);
      assert.equal(rulesOf(saved(ns)).length, 2);
    });
    await seeded(async (ns) => {
      const command = 'XTABLES_LOCKFILE=/dev/null iptables-legacy -A INPUT -s 10.9.9.9 -j DROP';
      const ended = await failing(commit(ns), { replace: 'pass command', command });
      assert.deepEqual([only(ended).end, only(ended).outcome, ended.requests], ['ERESTART', 'not-applied', 'R']);
      assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.0.0.1/32 -j DROP', '-A INPUT -s 10.9.9.9/32 -j DROP']);
    });
    // The same of a table that was not there: what the first try made is what the next one expects.
    await withNamespace(async (ns) => {
      const ended = await failing(commit(ns), { replace: `instead ${EAGAIN}` });
      assert.deepEqual([ended.ends, ended.requests], [[{ end: 'done' }], 'RRC']);
      assert.deepEqual(rulesOf(saved(ns)), [`-A INPUT ${NEW}`]);
    });
    await withNamespace(async (ns) => {
      const command = 'XTABLES_LOCKFILE=/dev/null iptables-legacy -A INPUT -s 10.9.9.9 -j DROP';
      const ended = await failing(commit(ns), { replace: 'pass command', command });
      assert.deepEqual([only(ended).end, only(ended).outcome, ended.requests], ['ERESTART', 'not-applied', 'R']);
      assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.9.9.9/32 -j DROP']);
    });
  });
}

test('EAGAIN without end: not applied, after a number of tries that has an end', async () => {
  await seeded(async (ns) => {
    const before = saved(ns);
    const times = Array.from({ length: 100 }, () => `instead ${EAGAIN}`).join(',');
    const ended = await failing(append(ns), { replace: times });
    assert.deepEqual([only(ended).end, only(ended).outcome], ['EAGAIN', 'not-applied']);
    assert.match(ended.requests, /^R{5,20}$/);
    assert.equal(saved(ns), before);
  });
});

const kinds = {
  ip: [
    '-s 10.1.2.0/24 ! -d 10.1.0.0/16 -i eth+ ! -o lo -p udp -m udp --dport 53 -j DROP',
    '-m limit --limit 5/min --limit-burst 9 -j LOG --log-prefix "seen " --log-level 3',
    '-m statistic --mode nth --every 3 --packet 0 -j RETURN',
    '-m statistic --mode random --probability 0.25 -j DROP',
    '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-m recent --name seen --rsource --update --seconds 60 -j DROP',
    '-p tcp -m multiport --dports 80,443,8000:8100 -m comment --comment "some \\"words\\"" -j REJECT --reject-with tcp-reset',
    '-m addrtype --dst-type LOCAL -m mark --mark 0x4/0xff -j NFLOG --nflog-group 3',
    '-m iprange --src-range 10.0.0.1-10.0.0.9 -p icmp -m icmp --icmp-type 8 -j inner',
    '-f -g inner',
    '-m pkttype --pkt-type broadcast',
  ],
  ip6: [
    '-s 2001:db8::/32 ! -d 2001:db8:1::/48 -i eth+ ! -o lo -p udp -m udp --dport 53 -j DROP',
    '-m limit --limit 5/min --limit-burst 9 -j LOG --log-prefix "seen "',
    '-m statistic --mode nth --every 3 --packet 0 -j RETURN',
    '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-m frag --fragid 7:9 -m rt --rt-type 0 -j DROP',
    '-p ipv6-icmp -m icmp6 --icmpv6-type 128 -j inner',
    '-m hl --hl-lt 5 -g inner',
    '-p tcp -m tcp --dport 22 -j REJECT --reject-with icmp6-port-unreachable',
  ],
} as const;

for (const family of ['ip', 'ip6'] as const) {
  for (const how of ['append', 'replace'] as const) {
    test(`${family}: rules of every shape are known again after a commit that lost its counters (${how})`, async () => {
      await withNamespace(async (ns) => {
        const real = program[family];
        ns.mustSync(real, ['-N', 'inner']);
        // Where rules take the place of their like, number and size of the entries say nothing.
        if (how === 'replace') {
          const input = `*filter\n${kinds[family].map((rule) => `-A FORWARD ${rule}`).join('\n')}\nCOMMIT\n`;
          ns.mustSync(`${real}-restore`, ['--noflush'], { input: input.replaceAll('5/min', '6/min').replaceAll(':9 ', ':8 ') });
        }
        const before = saved(ns, family);
        const commands = kinds[family].map((rule, i) =>
          how === 'append' ? ['append', 'FORWARD', rule] : ['replace', 'FORWARD', kinds[family].length - i, rule],
        );
        const ended = await failing({ netns: ns.path, family, commands }, { counters: `instead ${ENOMEM}` });
        assert.deepEqual([only(ended).end, only(ended).outcome], ['ENOMEM', 'applied'], only(ended).message);
        const after = saved(ns, family);
        assert.notEqual(after, before);
        // And when the kernel did not take them, that is seen as well.
        const refused = await failing(
          {
            netns: ns.path,
            family,
            commands: [
              ['replace', 'FORWARD', 1, kinds[family][0]],
              ['setPolicy', 'INPUT', 'DROP'],
            ],
          },
          { replace: `instead ${ENOMEM}` },
        );
        assert.deepEqual([only(refused).end, only(refused).outcome], ['ENOMEM', 'not-applied'], only(refused).message);
        assert.equal(saved(ns, family), after);
      });
    });
  }
}

const twoTables = `${seed}*nat\n:PREROUTING ACCEPT\n:POSTROUTING ACCEPT\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n`;
const restore = (ns: TestNamespace, text = twoTables): LegacyWork => ({ netns: ns.path, family: 'ip', restore: text });

test('restore over two tables, the second refused: partly applied, and the first is named', async () => {
  await withNamespace(async (ns) => {
    const ended = await failing(restore(ns), { replace: `pass,instead ${ENOMEM}` });
    const { end, outcome, tables, message = '' } = only(ended);
    assert.deepEqual([end, outcome, tables], ['ENOMEM', 'partly-applied', ['filter']]);
    assert.match(message, /table nat .*written before: filter/);
    assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.0.0.1/32 -j DROP']);
    assert.equal(ended.requests, 'RCR');
  });
});

test('restore over two tables, the first refused: not applied, and nothing of the second either', async () => {
  await withNamespace(async (ns) => {
    const ended = await failing(restore(ns), { replace: `instead ${ENOMEM}` });
    assert.deepEqual([only(ended).end, only(ended).outcome, only(ended).tables], ['ENOMEM', 'not-applied', []]);
    assert.deepEqual(rulesOf(saved(ns)), []);
    assert.equal(ended.requests, 'R');
  });
});

test('restore over two tables, counters of the first lost: partly applied, since the second was not begun', async () => {
  await withNamespace(async (ns) => {
    const ended = await failing(restore(ns), { counters: `instead ${ENOMEM}` });
    assert.deepEqual([only(ended).end, only(ended).outcome, only(ended).tables], ['ENOMEM', 'partly-applied', ['filter']]);
    assert.deepEqual(rulesOf(saved(ns)), ['-A INPUT -s 10.0.0.1/32 -j DROP']);
    assert.equal(ended.requests, 'RC');
  });
});

test('restore over two tables, counters of the last lost: applied, both of them', async () => {
  await withNamespace(async (ns) => {
    const ended = await failing(restore(ns), { counters: `pass,instead ${ENOMEM}` });
    assert.deepEqual([only(ended).end, only(ended).outcome, only(ended).tables], ['ENOMEM', 'applied', ['filter', 'nat']]);
    assert.deepEqual(rulesOf(saved(ns)).sort(), ['-A INPUT -s 10.0.0.1/32 -j DROP', '-A POSTROUTING -j MASQUERADE']);
    assert.equal(ended.requests, 'RCRC');
  });
});

test('restore over two tables, somebody else writes into the second as it fails: unknown, and the first is named', async () => {
  await withNamespace(async (ns) => {
    ns.mustSync('iptables-legacy', ['-t', 'nat', '-A', 'OUTPUT', '-j', 'ACCEPT']);
    const command = 'XTABLES_LOCKFILE=/dev/null iptables-legacy -t nat -A OUTPUT -j RETURN';
    const ended = await failing(restore(ns), { replace: `pass,instead ${ENOMEM} command`, command });
    assert.deepEqual([only(ended).outcome, only(ended).tables], ['unknown', ['filter']]);
  });
});
