// Every ruleset of test/fixtures/nft becomes another, chosen by its place: after a sync nft lists what it lists of that one loaded by itself, nothing is left to do,
// and the way back is the same.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nftables } from '../../lib/index.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { devicesOf, nftFixture, nftFixtures } from '../support/nft-fixtures.ts';
import { listedTables } from '../support/nft-listing.ts';

const SIDE_BY_SIDE = 4;

/** All tables of a family under one name: what one ruleset has becomes what the other has in the same table. */
const inOneTable = (text: string): string => text.replace(/^(\s*table\s+(?:(?:ip|ip6|inet|arp|bridge|netdev)\s+)?)[\w-]+/gm, '$1t');

async function withRuleset(
  devices: readonly string[],
  name: string,
  fn: (ns: TestNamespace, nft: Nftables) => Promise<void>,
): Promise<void> {
  await withNamespace(async (ns) => {
    const commands = devices.map((device) => `link add ${device} type bridge\n`);
    if (commands.length > 0) await ns.must('ip', ['-batch', '-'], { input: commands.join('') });
    await ns.must('nft', ['-f', '-'], { input: inOneTable(nftFixture(name)) });
    const nft = await Nftables.open({ netns: ns.path });
    try {
      await fn(ns, nft);
    } finally {
      await nft.close();
    }
  });
}

/** Their tables can't be one. */
const APART = ['overlapping-tables', 'several-tables'];
const names = nftFixtures.filter((name) => !APART.includes(name));
const familyIn = (name: string): string => /^\s*table\s+(ip6?|inet|arp|bridge|netdev)\s/m.exec(nftFixture(name))?.[1] ?? 'ip';

/** One of the same family, that the table may stay. */
function otherThan(name: string): string {
  const list = names.filter((one) => familyIn(one) === familyIn(name));
  return list[(list.indexOf(name) * 3 + 1) % list.length] as string;
}

describe('a ruleset becomes another', { concurrency: SIDE_BY_SIDE }, () => {
  for (const name of names) {
    const other = otherThan(name);
    it(`${name} becomes ${other}, and back`, async () => {
      const devices = [...new Set([...devicesOf(name), ...devicesOf(other)])];
      await withRuleset(devices, name, async (ns, nft) => {
        const first = await nft.snapshot();
        const listedFirst = listedTables(ns);
        await withRuleset(devices, other, async (otherNs, otherNft) => {
          const second = await otherNft.snapshot();
          const listed = listedTables(otherNs);
          const tables = [...first.tables, ...second.tables].map(({ family, name: table }) => ({ family, name: table }));
          for (const [desired, expected] of [
            [second, listed],
            [JSON.parse(JSON.stringify(first)), listedFirst],
          ] as const) {
            const plan = await nft.plan(desired, { tables });
            assert.notEqual(plan.toString(), undefined);
            const report = await plan.apply();
            assert.deepEqual(listedTables(ns), expected, plan.toString());
            const again = await nft.plan(desired, { tables });
            assert.ok(again.empty, `${again}`);
            assert.equal((await nft.sync(desired, { tables })).generation, report.generation);
          }
        });
      });
    });
  }
});
