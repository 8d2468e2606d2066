// Counters are what the packets were: known numbers over loopback and between two namespaces, every way to read them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CounterSnapshot, Iptables, Nftables } from '../../lib/index.ts';
import { CountedChain, families, ways } from '../support/counted-chain.ts';
import { TestNamespace } from '../support/namespace.ts';
import { countOf, joinByVeth, PORT, Sender, VETH } from '../support/traffic.ts';

function at(counters: CounterSnapshot, comment: string): { packets: bigint; bytes: bigint } {
  const row = counters.indexOf({ comment });
  assert.ok(row >= 0, `a row of ${comment}`);
  return { packets: counters.packets[row] as bigint, bytes: counters.bytes[row] as bigint };
}

for (const way of ways) {
  for (const family of families) {
    describe(`${way}, ${family}`, () => {
      it('loopback: every rule of the chain says what was sent, poll after poll, and so does row(i)', async () => {
        await using host = await CountedChain.create(way, family, 'first', 'second');
        let [packets, bytes] = [0n, 0n];
        // The structure is made by the first poll, and kept by the others.
        for (const [count, payload] of [
          [0, 1],
          [1, 1],
          [7, 1],
          [100, 500],
          [3, 1400],
        ] as const) {
          await host.send(count, payload);
          const more = countOf(family, count, payload);
          packets += more.packets;
          bytes += more.bytes;
          for (const scope of ['all', 'table', 'chain'] as const) {
            const counters = await host.counters(scope);
            for (const comment of scope === 'chain' ? ['first', 'second'] : ['jump', 'first', 'second']) {
              assert.deepEqual(at(counters, comment), { packets, bytes }, `${comment}, ${scope}`);
              assert.deepEqual(counters.row(counters.indexOf({ comment })).counter, { packets, bytes });
            }
          }
        }
      });
    });
  }
}

describe('veth', () => {
  for (const family of families) {
    it(`${family}: what one namespace sends, the other receives, and all three ways count both`, async () => {
      await using a = await TestNamespace.create();
      await using b = await TestNamespace.create();
      await joinByVeth(a, b);
      await using sender = new Sender(a);
      const tables = [family === 'ip' ? 'iptables' : 'ip6tables'];
      const rule = (comment: string): string[] => ['-p', 'udp', '--dport', `${PORT}`, '-m', 'comment', '--comment', comment];
      for (const [ns, chain] of [
        [a, 'OUTPUT'],
        [b, 'INPUT'],
      ] as const) {
        for (const program of tables.flatMap((t) => [`${t}-nft`, `${t}-legacy`])) await ns.must(program, ['-A', chain, ...rule('counted')]);
        const input = `table ${family} t {\n chain c {\n type filter hook ${chain.toLowerCase()} priority 10;\n udp dport ${PORT} counter comment "counted"\n }\n }`;
        await ns.must('nft', ['-f', '-'], { input });
      }
      const readers = async (ns: TestNamespace): Promise<(() => Promise<CounterSnapshot>)[]> => {
        const nft = await Nftables.open({ netns: ns.path });
        const [onNft, legacy] = [
          await Iptables.open({ family, backend: 'nft', netns: ns.path }),
          await Iptables.open({ family, backend: 'legacy', netns: ns.path }),
        ];
        return [() => nft.counters({ table: { family, name: 't' } }), () => onNft.counters(), () => legacy.counters()];
      };
      const [ofA, ofB] = [await readers(a), await readers(b)];
      let expected = { packets: 0n, bytes: 0n };
      for (const [count, payload] of [
        [1, 1],
        [50, 333],
        [200, 1300],
      ] as const) {
        await sender.send(VETH[family][1], count, payload);
        const more = countOf(family, count, payload);
        expected = { packets: expected.packets + more.packets, bytes: expected.bytes + more.bytes };
        // A sent packet has passed OUTPUT; the other end may be a moment behind.
        for (const read of ofA) assert.deepEqual(at(await read(), 'counted'), expected);
        for (const read of ofB) {
          let found = at(await read(), 'counted');
          while (found.packets < expected.packets) found = at(await read(), 'counted');
          assert.deepEqual(found, expected);
        }
      }
    });
  }
});
