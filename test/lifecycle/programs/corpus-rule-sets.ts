// Restores, saves, lists, counts and deletes the rule sets of the corpus in the namespace of argv, and prints what it did.
import { Iptables, Nftables } from '../../../lib/index.ts';
import { fragmentNames, hostNames, ruleSet } from '../../support/fixtures.ts';

const netns = process.argv[2] as string;
const done: Record<string, unknown>[] = [];
/** Excerpts that stand alone: the others name chains of a whole host. */
const fragments = fragmentNames.filter((name) => name === 'kube-nginx');

for (const name of [...hostNames, ...fragments]) {
  const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns });
  const { tables } = await ipt.restore(ruleSet(name), { counters: true });
  const saved = await ipt.save({ counters: true });
  ipt.restoreSync(saved);
  const lines = saved.split('\n').filter((line) => line.includes('] -A ')).length;
  let listed = 0;
  let found = 0;
  let deleted = 0;
  const counted = (await ipt.counters()).length;
  const formatted = ipt.saveSync();
  for (const table of tables) {
    const rules = await ipt.list(table);
    listed += rules.length;
    const chains = new Map(rules.map((r) => [r.chain, r]));
    for (const r of rules) if (ipt.existsSync(table, r.chain, r)) found++;
    for (const [chain, r] of chains) {
      await ipt.delete(table, chain, r);
      await ipt.append(table, chain, r);
      ipt.deleteSync(table, chain, r);
      deleted++;
    }
  }
  await ipt.close();
  const nft = Nftables.openSync({ netns });
  const left = [...(await nft.snapshot()).rules()].length;
  const tx = nft.transaction();
  for (const t of nft.snapshotSync().tables) tx.delete({ table: { family: t.family, name: t.name } });
  await tx.commit();
  const empty = nft.snapshotSync().tables.length;
  await nft.close();
  done.push({ name, lines, listed, counted, found, deleted, left, empty, saved: formatted.length > 0 });
}
console.log(JSON.stringify(done));
