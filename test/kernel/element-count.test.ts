// How many elements a set has, beside the elements that nft lists: every kind of set the kernel has, empty ones and those of many messages.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nftables } from '../../lib/index.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { failureOf } from '../support/nft.ts';

const sets = [
  'set hash { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2, 10.0.0.3 } }',
  'set fixed { type ipv4_addr; size 10; elements = { 10.0.0.1, 10.0.0.2 } }',
  'set ports { type inet_service; elements = { 1, 2, 3, 4 } }',
  'set protocols { type inet_proto; elements = { 1, 2, 3 } }',
  'set ranges { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 10.1.0.0-10.1.0.9, 10.1.0.11 } }',
  'set neighbours { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 10.0.1.0/25, 10.0.1.128/26 } }',
  'set to_the_end { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 224.0.0.0/3 } }',
  'set from_zero { type ipv6_addr; flags interval; elements = { ::/24, 2001:db8::/32 } }',
  'set everything { type ipv4_addr; flags interval; elements = { 0.0.0.0/0 } }',
  'set concatenated { type ipv4_addr . inet_service; elements = { 10.0.0.0 . 1, 10.0.1.1 . 7 } }',
  'set boxes { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/24 . 1-5, 10.0.1.0/25 . 7 } }',
  'set counting { type ipv4_addr; counter; elements = { 10.0.0.1 counter packets 1 bytes 2 comment "one" } }',
  'map verdicts { type ipv4_addr : verdict; elements = { 1.1.1.1 : drop, * : accept } }',
  'map nets { type ipv4_addr : verdict; flags interval; elements = { 1.1.1.0/24 : drop, 2.2.2.2 : accept, * : drop } }',
  'set none { type ipv4_addr; }',
  'set no_ranges { type ipv4_addr; flags interval; }',
  `set many { type ipv4_addr; elements = { ${Array.from({ length: 5000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`).join(', ')} } }`,
  `set many_ranges { type ipv4_addr; flags interval; elements = { ${Array.from({ length: 5000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/25`).join(', ')} } }`,
];
const nameOf = (text: string): string => text.split(' ')[1] as string;

/** What nft lists. */
async function listed(ns: TestNamespace, kind: string, name: string): Promise<number> {
  const { nftables } = JSON.parse(await ns.must('nft', ['-j', 'list', kind, 'inet', 't', name])) as {
    nftables: { [kind: string]: { elem?: unknown[] } }[];
  };
  return nftables.map((o) => o[kind]).find((o) => o !== undefined)?.elem?.length ?? 0;
}

describe('elementCount', () => {
  it('is the number of elements that nft lists', async () => {
    await withNamespace(async (ns) => {
      await ns.must('nft', ['-f', '-'], { input: `table inet t {\n${sets.join('\n')}\n}\n` });
      await using nft = await Nftables.open({ netns: ns.path });
      for (const text of sets) {
        const name = nameOf(text);
        const set = { family: 'inet', table: 't', name } as const;
        const elements = await listed(ns, text.split(' ')[0] as string, name);
        assert.equal(elements > 0, text.includes('elements'), name);
        assert.equal(await nft.elementCount(set), elements, name);
        assert.equal(nft.elementCountSync(set), elements, name);
      }
    });
  });

  it('leaves out what has expired, collected or not', async () => {
    await withNamespace(async (ns) => {
      const some = (base: string): string => `elements = { ${base}.1 timeout 300ms, ${base}.2, ${base}.3 timeout 1h }`;
      await ns.must('nft', ['-f', '-'], {
        input: `table inet t {
          set hash { type ipv4_addr; flags timeout; gc-interval 1h; ${some('10.0.0')} }
          set ranges { type ipv4_addr; flags interval, timeout; gc-interval 1h; ${some('10.0.1')} }
        }\n`,
      });
      await using nft = await Nftables.open({ netns: ns.path });
      const names = ['hash', 'ranges'];
      const count = (name: string): Promise<number> => nft.elementCount({ family: 'inet', table: 't', name });
      for (const name of names) {
        // A slow machine may be here late: never more than there were.
        assert.ok((await count(name)) >= 2, name);
        while ((await count(name)) !== 2) await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(await listed(ns, 'set', name), 2, name);
      }
    });
  });

  it('knows no set that isn’t there', async () => {
    await withNamespace(async (ns) => {
      await ns.must('nft', ['add table inet t; add set inet t s { type ipv4_addr; }']);
      await using nft = await Nftables.open({ netns: ns.path });
      for (const set of [
        { family: 'inet', table: 't', name: 'x' },
        { family: 'inet', table: 'x', name: 's' },
        { family: 'ip', table: 't', name: 's' },
      ] as const) {
        assert.equal((await failureOf(() => nft.elementCount(set))).code, 'ENOENT');
        assert.equal((await failureOf(() => Promise.resolve(nft.elementCountSync(set)))).code, 'ENOENT');
      }
      assert.equal(await nft.elementCount({ family: 'inet', table: 't', name: 's' }), 0);
    });
  });
});
