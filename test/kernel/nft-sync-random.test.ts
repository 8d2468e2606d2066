// Any ruleset becomes any other: what nft lists afterwards is what it lists of the other one loaded by itself, nothing is left to do, what was kept is what it was,
// and nothing was touched that could have stayed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NftFixture } from '../support/nft.ts';
import { listedTables } from '../support/nft-listing.ts';
import { Random } from '../support/random.ts';
import { randomRuleset } from '../support/random-ruleset.ts';

const TIMES = Number(process.env['SYNC_TIMES'] ?? 60);
const SEED = Number(process.env['SYNC_SEED'] ?? 2026);

/** By handle, chain and text. nft's JSON would do as well, were it not that nft 1.0.6 ends at some of it. */
function rules(f: NftFixture): Map<string, string> {
  const out = new Map<string, string>();
  let [table, chain] = ['', ''];
  for (const line of f.listing().split('\n')) {
    if (line.startsWith('table ')) table = (/table (\w+ \w+)/.exec(line) ?? [])[1] ?? '';
    else if (/^\t\w/.test(line)) chain = line.startsWith('\tchain') ? ((/chain (\w+)/.exec(line) ?? [])[1] ?? '') : '';
    // What stands deeper is in anonymous chains.
    const found = chain === '' ? null : /^\t\t(\S.*) # handle (\d+)$/.exec(line);
    if (found !== null)
      out.set(
        found[2] as string,
        `${table} ${chain}: ${(found[1] as string)
          .split(/[\s,]+/)
          .sort()
          .join(' ')}`,
      );
  }
  return out;
}

for (let time = 0; time < TIMES; time++) {
  test(`random rulesets, ${SEED + time}`, async () => {
    const random = new Random(SEED + time);
    await using f = await NftFixture.create();
    await using g = await NftFixture.create();
    const [before, after] = [randomRuleset(random), randomRuleset(random)];
    f.must('nft', ['-f', '-'], { input: before });
    g.must('nft', ['-f', '-'], { input: after });
    const desired = await g.nft.snapshot();
    const first = await f.nft.snapshot();
    const listed = listedTables(f.ns);
    const tables = [...desired.tables, ...first.tables].map(({ family, name }) => ({ family, name }));
    const old = rules(f);
    const plan = await f.nft.plan(desired, { tables });
    const same = await f.nft.plan(JSON.parse(JSON.stringify(desired)), { tables });
    assert.equal(`${same}`, `${plan}`);
    const report = await plan.apply();
    assert.deepEqual(listedTables(f.ns), listedTables(g.ns), `${plan}`);
    // A table that is made anew numbers its things anew.
    const renewed = plan.tables.changed.filter(({ anew }) => anew).map(({ family, name }) => `${family} ${name} `);
    const now = rules(f);
    let kept = 0;
    for (const [handle, rule] of now) {
      const was = old.get(handle);
      if (was === undefined || renewed.some((table) => was.startsWith(table))) continue;
      assert.equal(rule, was);
      kept++;
    }
    assert.equal(report.kept, kept);
    const again = await f.nft.sync(desired, { tables });
    assert.deepEqual([again.added, again.removed, again.moved, again.generation], [0, 0, 0, report.generation]);
    assert.ok((await f.nft.plan(desired, { tables })).empty);
    // And back, to what this kernel itself has dumped.
    assert.ok((await f.nft.plan(await f.nft.snapshot())).empty);
    await f.nft.sync(first, { tables });
    assert.deepEqual(listedTables(f.ns), listed);
    assert.ok((await f.nft.plan(first, { tables })).empty);
  });
}
