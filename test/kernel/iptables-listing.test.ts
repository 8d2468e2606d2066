// -L and -S through run(), byte for byte as the real programs print them: for whole hosts, and for rules with every mark and column.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { hostNames, ipsets, ruleSet } from '../support/fixtures.ts';
import { type Backend, backends, program, withIptables } from '../support/iptables.ts';
import { goldenTables, sharedCorpus } from '../support/shared-corpus.ts';

const kinds = {
  S: ['-S'],
  vS: ['-v', '-S'],
  nL: ['-nL'],
  nvL: ['-nvL', '--line-numbers'],
  nvxL: ['-nvxL'],
} as const;

async function compareHost(name: string, backend: Backend, t: TestContext): Promise<void> {
  await withIptables(
    async (ipt, ns) => {
      const sets = ipsets(name);
      if (sets !== undefined) await ns.must('ipset', ['restore'], { input: sets });
      await ipt.restore(ruleSet(name), { counters: true });
      const same = async (line: readonly string[]): Promise<void> =>
        assert.equal((await ipt.run(line)).stdout, await ns.must(program(backend), line), line.join(' '));
      for (const [kind, options] of Object.entries(kinds)) {
        const file = sharedCorpus(t, 'golden', `${name}.${backend}.${kind}`);
        for (const [table, text] of file === undefined ? [] : goldenTables(file)) {
          assert.equal((await ipt.run(['-t', table, ...options])).stdout, text, `${kind} of ${table}`);
        }
        for (const table of ['filter', 'nat', 'mangle', 'raw', 'security']) await same(['-t', table, ...options]);
      }
      for (const chain of await ipt.listChains('nat')) for (const option of ['-nvL', '-S', '-nL']) await same(['-t', 'nat', option, chain]);
    },
    { backend },
  );
}

describe('a whole host', () => {
  for (const name of [...hostNames, 'kube-nginx']) {
    for (const backend of backends)
      it(`${name}: as iptables-${backend} printed it, and prints it now`, async (t) => compareHost(name, backend, t));
  }
});

const marked = [
  '-N one',
  '-N two',
  '-A INPUT -g one',
  '-A INPUT ! -s 10.0.0.0/8 ! -d 1.2.3.4 ! -p tcp -g one',
  '-A FORWARD ! -f -i eth+ -o averylonginterf ! -d 10.0.0.0/255.0.255.0 -p 253 -j two',
  '-A FORWARD ! -i verylong+ -p icmp -f -j DROP',
  '-A INPUT -p 253',
  '-A INPUT -p esp -j RETURN',
  '-A INPUT ! -i + -j ACCEPT',
  '-A INPUT -p tcp -m tcp --dport 80 --syn -j LOG --log-prefix "foo bar"',
  '-A INPUT -j REJECT -c 123456 99999999',
  '-A INPUT -j REJECT -c 99999 100000',
  '-A INPUT -j REJECT -c 99949999 9999499999',
  '-A INPUT -j REJECT -c 9999999999999 1234567890123456',
  '-A two -m state --state NEW -m comment --comment "a b"',
  '-P INPUT DROP -c 123456 1234567890',
  '-P FORWARD ACCEPT',
];
const marked6 = [
  '-N one',
  '-A INPUT -s fe80::1 -d 2001:db8:1111:2222:3333:4444:5555:6666/64 -p tcp -g one',
  '-A INPUT ! -s 2001:db8:1111:2222:3333:4444:5555:6666 -p icmpv6 -i lo -j ACCEPT',
  '-A INPUT -s ::/16 ! -p 58 -j DROP',
  '-A one -d ff00::/ffff::ff00',
];
const shown = [
  ...['-L', '-nL', '-vL', '-nvL', '-nvxL --line-numbers', '-L -x', '-S', '-vS', '-L INPUT', '-vL one', '-S two', '-S INPUT', '-vS FORWARD'],
  ...['-L INPUT 2', '-nvL INPUT 3 --line-numbers', '-S INPUT 2', '-vS INPUT 4', '-L INPUT 77', '-S INPUT 77', '-t raw -L', '-t nat -vS'],
];

async function compare(family: 'ip' | 'ip6', backend: Backend, rules: readonly string[]): Promise<void> {
  await withIptables(
    async (ipt, ns) => {
      // iptables-legacy -S drops the ! of ! -i +.
      for (const line of rules) if (backend === 'nft' || !line.includes('-i +')) await ipt.run(line);
      for (const line of shown) {
        if (family === 'ip6' && line.includes('two')) continue;
        assert.equal((await ipt.run(line)).stdout, await ns.must(program(backend, family), line.split(' ')), line);
      }
    },
    { backend, family },
  );
}

describe('marks and columns', () => {
  for (const backend of backends) {
    it(`of IPv4 on ${backend}`, () => compare('ip', backend, marked));
    it(`of IPv6 on ${backend}`, () => compare('ip6', backend, marked6));
  }

  it('a table with base chains that iptables does not see is named, one with foreign rules refused', async () => {
    await withIptables(async (ipt, ns) => {
      await ns.must('nft', ['add table ip nat; add chain ip nat INPUT { type nat hook input priority 5; }; add chain ip nat u']);
      await ns.must('nft', ['add table ip raw; add chain ip raw PREROUTING { type filter hook prerouting priority -300; }']);
      await ns.must('nft', ['add rule ip raw PREROUTING ct state new counter']);
      await ns.must('nft', [
        'add table ip mangle; add chain ip mangle early { type filter hook input priority -5; }; add chain ip mangle u',
      ]);
      await ns.must('nft', ['add rule ip mangle early counter accept']);
      await ns.must('iptables-nft', ['-t', 'mangle', '-A', 'INPUT', '-j', 'ACCEPT']);
      const whole = ['-t nat -S', '-t nat -L', '-t nat -L u', '-t nat -L INPUT', '-t raw -L OUTPUT', '-t mangle -L', '-t mangle -S'];
      for (const line of [
        ...whole,
        '-t mangle -L INPUT',
        '-t mangle -L INPUT 1',
        '-t mangle -S INPUT',
        '-t mangle -vS FORWARD',
        '-t mangle -nL u',
      ]) {
        assert.equal((await ipt.run(line)).stdout, await ns.must('iptables-nft', line.split(' ')), line);
      }
      for (const line of ['-t raw -S', '-t raw -L', '-t raw -L PREROUTING']) {
        await assert.rejects(ipt.run(line), { code: 'EOPNOTSUPP', message: /Table `raw' is incompatible/ });
        assert.equal((await ns.run('iptables-nft', line.split(' '))).code, 1);
      }
    });
  });

  it('a rule that only nflink cannot say stands in its place', async () => {
    await withIptables(async (ipt, ns) => {
      await ipt.run('-A INPUT -j ACCEPT');
      await ns.must('nft', ['add rule ip filter INPUT ip length 5 counter packets 1 bytes 2']);
      const rows = (await ipt.run('-nvL INPUT --line-numbers')).stdout.split('\n').slice(2);
      assert.match(rows.join('\n'), /^1 .*ACCEPT.*\n2 {8}1 {5}2 \[unsupported: payload cmp counter\]\n$/);
      assert.match((await ipt.run('-S INPUT 2')).stdout, /^-A INPUT \[unsupported: /);
    });
  });

  it('a chain that is not there: ENOENT', async () => {
    await withIptables(async (ipt) => {
      for (const line of ['-L nope', '-S nope', '-L nope 1']) await assert.rejects(ipt.run(line), { code: 'ENOENT' });
    });
  });
});
