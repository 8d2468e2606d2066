// What rules of a legacy table have counted stays when nflink writes the table: a commit replaces it whole, and packets go on meanwhile.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables } from '../../lib/index.ts';
import { type IpFamily, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

const PORT = 9;

function sender(family: IpFamily, times: number): string[] {
  const to = `/dev/udp/${family === 'ip' ? '127.0.0.1' : '::1'}/${PORT}`;
  return ['-c', `for ((i = 0; i < ${times}; i++)); do echo 12345 2>/dev/null >${to}; done`];
}

async function withTraffic(family: IpFamily, fn: (ipt: Iptables, ns: TestNamespace, programs: Programs) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    ns.up();
    const programs = new Programs('legacy', family);
    const text = `*filter\n:X - [0:0]\n-A OUTPUT -p udp -m udp --dport ${PORT} -j X\n-A OUTPUT -p tcp\n-A X -m comment --comment counted\n-A X -p tcp\nCOMMIT\n`;
    await programs.restore(ns, text);
    const ipt = await Iptables.open({ family, backend: 'legacy', netns: ns.path });
    try {
      await fn(ipt, ns, programs);
    } finally {
      await ipt.close();
    }
  });
}

/** The packets of each rule as the real save prints them. */
async function counted(ns: TestNamespace, programs: Programs): Promise<Record<string, number>> {
  const lines = (await programs.save(ns, '-t', 'filter', '-c')).split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const rule = /^\[(\d+):\d+\] -A (.*)$/.exec(line);
      return rule === null ? [] : [[rule[2] ?? '', Number(rule[1])]];
    }),
  );
}

for (const family of ipFamilies) {
  describe(`counters of ${family} rules`, () => {
    const jump = `OUTPUT -p udp -m udp --dport ${PORT} -j X`;
    const mine = 'X -m comment --comment counted';

    it('stay through every kind of change beside them', async () => {
      await withTraffic(family, async (ipt, ns, programs) => {
        await ns.must('bash', sender(family, 5));
        const rule = `-p sctp -m comment --comment "beside"`;
        const changes: readonly (readonly [what: string, change: () => Promise<unknown>])[] = [
          ['append', () => ipt.append('filter', 'X', rule)],
          ['insert before', () => ipt.insert('filter', 'X', 1, rule)],
          ['insert in another chain', () => ipt.insert('filter', 'INPUT', 1, rule)],
          ['delete before', () => ipt.deleteAt('filter', 'X', 1)],
          ['replace beside', () => ipt.replace('filter', 'X', 2, '-p icmp')],
          ['newChain', () => ipt.newChain('filter', 'A_FIRST')],
          ['flushChain', () => ipt.flushChain('filter', 'INPUT')],
          ['deleteChain', () => ipt.deleteChain('filter', 'A_FIRST')],
          ['setPolicy', () => ipt.setPolicy('filter', 'FORWARD', 'DROP')],
          [
            'restore with noflush',
            () => ipt.restore('*filter\n:NEW - [0:0]\n-A NEW -j RETURN\n-I OUTPUT -j NEW\nCOMMIT\n', { noflush: true }),
          ],
        ];
        for (const [what, change] of changes) {
          await change();
          const now = await counted(ns, programs);
          assert.deepEqual([now[jump], now[mine]], [5, 5], what);
        }
        await ipt.renameChain('filter', 'X', 'RENAMED');
        assert.equal((await counted(ns, programs))['RENAMED -m comment --comment counted'], 5);
        const counters = await ipt.counters();
        assert.equal(counters.packets[counters.indexOf({ comment: 'counted' })], 5n);
      });
    });

    it('begin anew for a rule that is replaced, and for all of a table that is restored', async () => {
      await withTraffic(family, async (ipt, ns, programs) => {
        await ns.must('bash', sender(family, 2));
        await ipt.replace('filter', 'X', 1, '-m comment --comment counted');
        const now = await counted(ns, programs);
        assert.deepEqual([now[jump], now[mine]], [2, 0]);
        await ipt.restore(await ipt.save());
        assert.equal((await counted(ns, programs))[jump], 0);
      });
    });

    it('miss no packet while commits go on', async () => {
      await withTraffic(family, async (ipt, ns, programs) => {
        const packets = 3000;
        let ended = false;
        const traffic = ns.must('bash', sender(family, packets)).finally(() => {
          ended = true;
        });
        let commits = 0;
        while (!ended) {
          await ipt.insert('filter', 'X', 1, '-p sctp');
          await ipt.deleteAt('filter', 'X', 1);
          commits += 2;
        }
        await traffic;
        assert.ok(commits > 2, 'some commits met traffic');
        const now = await counted(ns, programs);
        assert.deepEqual([now[jump], now[mine]], [packets, packets]);
      });
    });
  });
}
