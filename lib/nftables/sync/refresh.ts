// Another time to live for an element that stays.
import { release } from 'node:os';
import type { ElementAttributes } from '../objects/element.ts';
import { elementAsTaken, isEnd } from '../taken.ts';
import type { Item } from './elements.ts';

/** From Linux 6.12 on an element that is added again takes the times it is given; before, it stays as it is (nft_add_set_elem). */
const REFRESHES = [6, 12] as const;

function kernelRefreshes(): boolean {
  const [major = 0, minor = 0] = release()
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  return major > REFRESHES[0] || (major === REFRESHES[0] && minor >= REFRESHES[1]);
}

/** Else it is deleted and added. What lives for ever has no place for a time. */
export function refreshesInPlace({ was, will }: { readonly was: Item; readonly will: Item }): boolean {
  return was.timeout !== 0n && will.timeout !== 0n && kernelRefreshes();
}

/** The remaining time is said as well: it would stay. */
export function refreshedParts({ timeout, parts }: Item, counters: boolean): ElementAttributes[] {
  return parts.map((e) => {
    if (isEnd(e)) return elementAsTaken(e, counters);
    const left = e.expiration ?? timeout;
    return elementAsTaken({ ...e, timeout, expiration: left < timeout ? left : timeout }, counters);
  });
}
