// Counters that are no rule's: base chains, named counters, quotas, elements of sets, each in a snapshot of its own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables, type NamedCounters, Nftables } from '../../lib/index.ts';
import { withNamespace } from '../support/namespace.ts';
import { failureOf } from '../support/nft.ts';
import '../support/xtables-lock.ts';
import { countOf, LOOPBACK, PORT, Sender } from '../support/traffic.ts';

const families = ['ip', 'ip6'] as const;
const PAYLOAD = 33;

function at<T>(counters: NamedCounters<T>, where: Partial<T>): { packets: bigint; bytes: bigint } {
  const row = counters.indexOf(where);
  assert.ok(row >= 0);
  return { packets: counters.packets[row] as bigint, bytes: counters.bytes[row] as bigint };
}

for (const family of families) {
  describe(family, () => {
    it('named counters, quotas and elements: what was sent, and no other table in the scope', async () => {
      await withNamespace(async (ns) => {
        ns.up();
        await using sender = new Sender(ns);
        await using nft = await Nftables.open({ netns: ns.path });
        const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
        const [hit, missed] = family === 'ip' ? ['127.0.0.1', '10.0.0.1'] : ['::1', 'fd00::1'];
        const table = (name: string): string => `table ${family} ${name} {
          counter hits { packets 2 bytes 100 }
          counter idle { packets 7 bytes 9 }
          quota limited { over 1000000 bytes used 5 bytes }
          quota free { 77 bytes }
          set s { type ${type}; counter; elements = { ${hit} counter packets 1 bytes 2, ${missed} } }
          set plain { type ${type}; elements = { ${hit} } }
          map m { type ${type} : verdict; counter; elements = { ${hit} counter : accept } }
          chain out {
            type filter hook output priority 0; policy accept;
            udp dport ${PORT} counter name hits quota name limited
            udp dport ${PORT} quota name limited
            udp dport ${PORT} ${family} daddr @s
            udp dport ${PORT} ${family} daddr vmap @m
          }
        }\n`;
        await ns.must('nft', ['-f', '-'], { input: table('t') + table('u').replace(/chain out \{[^}]*\}/, '') });
        const t = { family, name: 't' } as const;
        for (const [sent, scope] of [
          [0, undefined],
          [12, t],
          [5, t],
          [1, undefined],
        ] as const) {
          const before = await nft.namedCounters({ table: t });
          const elementsBefore = await nft.elementCounters({ family, table: 't', name: 's' });
          const quotaBefore = (await nft.quotas({ table: t })).used[0] as bigint;
          if (sent > 0) await sender.send(LOOPBACK[family], sent, PAYLOAD);
          const more = countOf(family, sent, PAYLOAD);
          const o = scope === undefined ? {} : { table: scope };

          const named = await nft.namedCounters(o);
          assert.equal(named.length, scope === undefined ? 4 : 2);
          const hits = at(before, { name: 'hits' });
          assert.deepEqual(at(named, { table: 't', name: 'hits' }), {
            packets: hits.packets + more.packets,
            bytes: hits.bytes + more.bytes,
          });
          assert.deepEqual(at(named, { table: 't', name: 'idle' }), { packets: 7n, bytes: 9n });
          assert.deepEqual([named.indexOf({ name: 'none' }), named.row(0).family], [-1, family]);
          assert.throws(() => named.row(named.length), RangeError);
          if (scope === undefined) assert.deepEqual(at(named, { table: 'u', name: 'hits' }), { packets: 2n, bytes: 100n });

          const quotas = await nft.quotas(o);
          assert.equal(quotas.length, scope === undefined ? 4 : 2);
          const used = quotas.indexOf({ table: 't', name: 'limited' });
          // Only a quota that is not over lets a packet to it count; both rules ask it.
          assert.deepEqual(
            [quotas.row(used).limit, quotas.row(used).inv, quotas.used[used]],
            [1000000n, true, quotaBefore + 2n * more.bytes],
          );
          const free = quotas.indexOf({ table: 't', name: 'free' });
          assert.deepEqual([quotas.row(free).limit, quotas.row(free).inv, quotas.used[free]], [77n, false, 0n]);

          const elements = await nft.elementCounters({ family, table: 't', name: 's' });
          const total = (c: NamedCounters<unknown>): bigint => c.packets.reduce((sum, n) => sum + n, 0n);
          assert.deepEqual([elements.length, total(elements)], [2, total(elementsBefore) + more.packets]);
          const counted = Array.from({ length: 2 }, (_, i) => JSON.stringify(elements.row(i).element)).findIndex((e) =>
            e.includes(`"${hit}"`),
          );
          assert.ok(counted >= 0);
          assert.deepEqual([elements.packets[1 - counted], elements.bytes[1 - counted]], [0n, 0n], missed);
        }
        const all = countOf(family, 18, PAYLOAD);
        const elements = await nft.elementCounters({ family, table: 't', name: 's' });
        assert.deepEqual([...elements.packets].sort().map(String), ['0', `${all.packets + 1n}`].sort());
        assert.deepEqual([...elements.bytes].map(String).sort(), ['0', `${all.bytes + 2n}`].sort());
        const map = await nft.elementCounters({ family, table: 't', name: 'm' });
        assert.deepEqual([map.length, map.packets[0], map.bytes[0]], [1, all.packets, all.bytes]);
        assert.equal((await nft.elementCounters({ family, table: 't', name: 'plain' })).length, 0, 'elements that count nothing');
        assert.equal((await failureOf(() => nft.elementCounters({ family, table: 't', name: 'none' }))).code, 'ENOENT');

        // A reset puts back what was read, and the sync calls read the same.
        const tx = nft.transaction();
        tx.reset({ counter: { family, table: 't', name: 'hits' } });
        tx.reset({ quota: { family, table: 't', name: 'limited' } });
        await tx.commit();
        assert.deepEqual(at(nft.namedCountersSync({ table: t }), { name: 'hits' }), { packets: 0n, bytes: 0n });
        const quotas = nft.quotasSync({ table: t });
        assert.equal(quotas.used[quotas.indexOf({ name: 'limited' })], 0n);
        assert.deepEqual(nft.elementCountersSync({ family, table: 't', name: 'm' }).packets, map.packets);
      });
    });

    it('base chains: what no rule has decided, on both backends as the save commands print it', async () => {
      await withNamespace(async (ns) => {
        ns.up();
        await using sender = new Sender(ns);
        await using legacy = await Iptables.open({ family, backend: 'legacy', netns: ns.path });
        await ns.must(`${family}tables-legacy`, ['-A', 'OUTPUT', '-p', family === 'ip' ? 'icmp' : 'ipv6-icmp', '-j', 'DROP']);
        await sender.send(LOOPBACK[family], 11, PAYLOAD);
        const expected = countOf(family, 11, PAYLOAD);
        const chains = await legacy.chainCounters({ table: 'filter' });
        assert.deepEqual(at(chains, { name: 'OUTPUT' }), expected);
        assert.deepEqual(at(chains, { name: 'INPUT' }), expected);
        assert.deepEqual(at(chains, { name: 'FORWARD' }), { packets: 0n, bytes: 0n });
        const saved = await ns.must(`${family}tables-legacy-save`, ['-c', '-t', 'filter']);
        for (let i = 0; i < chains.length; i++) {
          const { name, policy } = chains.row(i);
          const line = `:${name} ${policy?.toUpperCase()} [${chains.packets[i]}:${chains.bytes[i]}]`;
          assert.ok(saved.includes(line), line);
        }
        assert.equal((await legacy.chainCounters({ table: 'mangle' })).length, 0, 'looking makes no table');

        // In nf_tables a base chain counts where it was given a counter: by nflink, or iptables from 1.8.10 on.
        await using nft = await Nftables.open({ netns: ns.path });
        const tx = nft.transaction();
        tx.add({ table: { family, name: 'filter' } });
        tx.add({ chain: { family, table: 'filter', name: 'X' } });
        tx.add({ chain: { family, table: 'filter', name: 'plain', type: 'filter', hook: 'output', prio: 5, policy: 'accept' } });
        await tx.commit();
        await using onNft = await Iptables.open({ family, backend: 'nft', netns: ns.path });
        await onNft.setPolicy('filter', 'OUTPUT', 'ACCEPT');
        await onNft.append('filter', 'OUTPUT', family === 'ip' ? '-p icmp -j DROP' : '-p ipv6-icmp -j DROP');
        await sender.send(LOOPBACK[family], 6, PAYLOAD);
        const six = countOf(family, 6, PAYLOAD);
        const counted = await onNft.chainCounters();
        assert.deepEqual(at(counted, { table: 'filter', name: 'OUTPUT' }), six);
        const here = await nft.chainCounters({ table: { family, name: 'filter' } });
        assert.deepEqual(at(here, { name: 'OUTPUT' }), six);
        assert.deepEqual([here.indexOf({ name: 'plain' }), here.indexOf({ name: 'X' })], [-1, -1], 'those that count nothing');
        assert.equal(here.row(here.indexOf({ name: 'OUTPUT' })).policy, 'accept');
      });
    });
  });
}
