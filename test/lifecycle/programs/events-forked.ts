// A subscription is closed while a child that has not become its program yet holds a copy of the socket: slow-exec.c keeps
// the child so.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Nftables } from '../../../lib/index.ts';
import { commitMark, nextCommit } from '../../support/events.ts';

const [netns, forked, go] = process.argv.slice(2) as [string, string, string];
const descriptors = (): number => readdirSync('/proc/self/fd').length;

const nft = await Nftables.open({ netns });
const stays = nft.events();
const goes = nft.events();
commitMark(nft, 'before');
await Promise.all([nextCommit(stays), nextCommit(goes)]);
// Whoever starts a program waits until it is one.
const starter = new Worker("require('node:child_process').spawnSync('true')", { eval: true });
while (!existsSync(forked)) await sleep(1);
const before = descriptors();
await goes.close();
while (descriptors() === before) await sleep(1);
// The copy gets them as well; the thread that reads must not hear of it.
for (let i = 0; i < 20; i++) {
  commitMark(nft, `after${i}`);
  await nextCommit(stays);
}
writeFileSync(go, '');
await new Promise((resolve) => starter.once('exit', resolve));
await stays.close();
await nft.close();
console.log('all were read');
