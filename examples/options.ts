// What the command lines of the examples share.
import { Iptables, type Netns, Nftables } from 'nflink';

export type SourceName = 'nftables' | 'iptables' | 'ip6tables';
export const sourceNames: readonly SourceName[] = ['nftables', 'iptables', 'ip6tables'];

/** A name as `ip netns` knows it, or a path. */
export function netnsOf(word: string | undefined): { readonly netns?: Netns } {
  if (word === undefined) return {};
  return { netns: word.includes('/') ? word : `/run/netns/${word}` };
}

export async function openSource(name: SourceName, netns: string | undefined): Promise<Nftables | Iptables> {
  if (name === 'nftables') return await Nftables.open(netnsOf(netns));
  return await Iptables.open({ family: name === 'iptables' ? 'ip' : 'ip6', ...netnsOf(netns) });
}

export function isSourceName(word: string): word is SourceName {
  return (sourceNames as readonly string[]).includes(word);
}

export function wholeNumber(option: string, word: string, from: number): number {
  const number = Number(word);
  if (!/^\d+$/.test(word) || number < from) usage(`--${option} ${word}: a whole number from ${from}`);
  return number;
}

/** Ends the process with a sentence and the exit code that stands for a wrong command line. */
export function usage(why: string): never {
  console.error(why);
  process.exit(2);
}
