// Ends with a subscription open, in one of several states: argv is the namespace, the state, and how many turns to wait.
import { Nftables } from '../../../lib/index.ts';
import { ruleNamed } from '../../support/nft.ts';

const [netns, how, turns] = process.argv.slice(2) as [string, string, string];
const nft = await Nftables.open({ netns });
const events = nft.events();
if (how === 'forgotten') {
  const tx = nft.transaction();
  tx.add({ table: { family: 'ip', name: 'unread' } });
  await tx.commit();
  console.log('the end of the program');
} else if (how === 'waiting') {
  console.log('waiting');
  console.log(`got ${((await events.next()).value as { kind: string }).kind}`);
} else {
  if (how !== 'idle') void events.next();
  if (how === 'flooded') {
    void (async () => {
      for await (const event of events) if (event.kind === 'commit') JSON.stringify(event.changes.length);
    })();
    for (let i = 0; i < 20; i++) {
      const tx = nft.transaction();
      for (let n = 0; n < 500; n++) tx.add(ruleNamed('x'));
      void tx.commit({ handles: false });
    }
  }
  for (let turn = 0; turn < Number(turns); turn++) await new Promise((resolve) => setImmediate(resolve));
  process.exit(7);
}
