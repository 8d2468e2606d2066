// A queue's calls that nobody awaits, and the end of the program: the process lives until they are answered, and no longer.
import { Iptables } from '../../../lib/index.ts';

const [netns = '', backend = ''] = process.argv.slice(2);
const ipt = await Iptables.open({ family: 'ip', backend: backend as 'nft', netns });
const queue = ipt.queue({ maxDelayMs: 30 });
const answered = (what: string): (() => void) => {
  return () => console.log(what);
};
void queue.append('filter', 'INPUT', '-s 10.0.0.1').then(answered('applied'));
// Nobody hears of this one: it is the caller's who did not listen.
process.on('unhandledRejection', (err) => console.log(`unhandled: ${(err as { code: string }).code}`));
void queue.delete('filter', 'INPUT', '-s 10.0.0.9');
void queue.flush().then(answered('flushed'));
console.log('the end of the program');
