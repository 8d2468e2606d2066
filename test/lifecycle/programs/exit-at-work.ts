// Ends the process with process.exit(7) while nflink is at work: argv is the namespace, what, and how many turns to wait.
import { Nftables } from '../../../lib/index.ts';
import { addChains, ruleNamed } from '../../support/nft.ts';

const [netns, what, turns] = process.argv.slice(2) as [string, string, string];
const nft = await Nftables.open({ netns });
if (what !== 'dump') {
  const tx = nft.transaction();
  addChains(tx, 'e');
  for (let i = 0; i < 20_000; i++) tx.add(ruleNamed('x', 'e'));
  void tx.commit({ handles: true });
}
if (what !== 'commit') for (let i = 0; i < 3; i++) void nft.snapshot().catch(() => {});
if (what === 'open') for (let i = 0; i < 8; i++) void Nftables.open({ netns });
for (let turn = 0; turn < Number(turns); turn++) await new Promise((resolve) => setImmediate(resolve));
process.exit(7);
