// A process with more than 1,024 open descriptors, as servers have: nothing of nflink may depend on small numbers.
import { openSync, readdirSync, readlinkSync } from 'node:fs';
import { Iptables, Nftables } from '../../../lib/index.ts';
import { addChains, ruleNamed } from '../../support/nft.ts';

const netns = process.argv[2] as string;
let last = 0;
for (let i = 0; i < 1100; i++) last = openSync('/dev/null', 'r');
if (last < 1024) throw new Error(`the last descriptor is ${last}`);

const sockets = (): number[] =>
  readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      try {
        return fd > 1024 && readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
      } catch {
        return false;
      }
    });
const nft = await Nftables.open({ netns });
if (sockets().length < 2) throw new Error(`no sockets beyond 1,024: ${sockets()}`);
const tx = nft.transaction();
addChains(tx, 'c');
for (let i = 0; i < 2000; i++) tx.add(ruleNamed('x'));
await tx.commit({ handles: true });
const rules = [...(await nft.snapshot()).rules()].length;
const counted = nft.countersSync().length;
await nft.close();
const ipt = Iptables.openSync({ family: 'ip', backend: 'nft', netns });
await ipt.append('filter', 'INPUT', '-p tcp --dport 80 -j ACCEPT');
const saved = await ipt.save({ table: 'filter' });
await ipt.close();
console.log(JSON.stringify({ rules, counted, saved: saved.includes('--dport 80'), socketsLeft: sockets().length }));
