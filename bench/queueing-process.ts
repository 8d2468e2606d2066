// What bench/queue.ts measures, in a process of its own which has loaded nothing but nflink: calls through a queue at a steady rate, half of them
// deletes of what was appended before.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Iptables, Queue } from 'nflink';
import { answer, openIn, type Where } from './harness/measured.ts';
import { type Delays, delaysOf, loopDelays, mainThreadMs, residentBytes } from './harness/own-process.ts';
import { slope } from './harness/statistics.ts';

export interface QueueRequest extends Where {
  readonly seconds: number;
  /** Calls a second. */
  readonly rate: number;
}
export interface QueueFigures {
  readonly calls: number;
  /** Calls that were refused, and rules that are not in the kernel as they should be. */
  readonly lost: number;
  /** Milliseconds from a call to its answer, of each. */
  readonly took: readonly number[];
  /** Share of one core that the main thread took, from 0 to 1. */
  readonly mainThread: number;
  /** Bytes a minute that resident memory grows by, once it has settled. */
  readonly growth: number;
  readonly delays: Delays;
  /** The same before there was a queue: what the machine does to it. */
  readonly idle: Delays;
}

const IDLE_MS = 2000;
/** The first ten seconds of a minute. */
const SETTLING = 1 / 6;
const RESIDENT_EVERY_MS = 100;
/** Chains of kube.ts: one with a rule a service, two short ones in either table. */
const CHAINS = [
  { table: 'nat', chain: 'KUBE-SERVICES' },
  { table: 'nat', chain: 'KUBE-NODEPORTS' },
  { table: 'filter', chain: 'KUBE-EXTERNAL-SERVICES' },
] as const;
type Place = (typeof CHAINS)[number];
/** So many of a chain's rules are ours before they are deleted again. */
const OURS = 50;

const ruleOf = (n: number): string =>
  `-d 10.97.${(n >> 8) & 255}.${n & 255}/32 -p tcp -m comment --comment "ns/call-${n}:http cluster IP" -m tcp --dport 80 -j RETURN`;

/** Calls in turn, chain by chain: an append, or the delete of the oldest of ours. */
class Calls {
  readonly took: Float64Array;
  readonly ours = new Map<Place, number[]>(CHAINS.map((place) => [place, []]));
  made = 0;
  refused = 0;
  readonly #queue: Queue;

  constructor(queue: Queue, most: number) {
    this.#queue = queue;
    this.took = new Float64Array(most);
  }
  async make(): Promise<void> {
    const n = this.made++;
    const place = CHAINS[n % CHAINS.length] as Place;
    const ours = this.ours.get(place) as number[];
    const oldest = ours.length < OURS || Math.floor(n / CHAINS.length) % 2 === 0 ? undefined : ours.shift();
    const started = performance.now();
    try {
      if (oldest === undefined) {
        ours.push(n);
        await this.#queue.append(place.table, place.chain, ruleOf(n));
      } else await this.#queue.delete(place.table, place.chain, ruleOf(oldest));
    } catch (err) {
      if (this.refused++ === 0) console.error(err);
    }
    this.took[n] = performance.now() - started;
  }
  /** Rules of ours that are not where they should be. */
  async misplaced(ipt: Iptables): Promise<number> {
    let count = 0;
    for (const [{ table, chain }, ours] of this.ours) {
      const found = (await ipt.list(table, chain)).map(String).flatMap((text) => /call-(\d+):/.exec(text)?.[1] ?? []);
      const wanted = ours.map(String);
      count += Math.abs(found.length - wanted.length) + wanted.filter((n, i) => found[i] !== n).length;
    }
    return count;
  }
}

answer<QueueRequest>(async (o): Promise<QueueFigures> => {
  await using ipt = await openIn(o);
  const histogram = loopDelays();
  histogram.enable();
  await sleep(Math.min(IDLE_MS, o.seconds * 1000));
  const idle = delaysOf(histogram);
  const queue = ipt.queue();
  const most = Math.round(o.rate * o.seconds);
  const calls = new Calls(queue, most);
  const resident: (readonly [minutes: number, bytes: number])[] = [];
  const begun = performance.now();
  const started = mainThreadMs();
  let settled = false;
  while (calls.made < most) {
    await sleep(1);
    const now = performance.now() - begun;
    for (const due = Math.min(most, Math.floor((now * o.rate) / 1000)); calls.made < due; ) void calls.make();
    if (now < o.seconds * 1000 * SETTLING) continue;
    if (!settled) histogram.reset();
    settled = true;
    if (now - (resident.at(-1)?.[0] ?? 0) * 60_000 >= RESIDENT_EVERY_MS) resident.push([now / 60_000, residentBytes()]);
  }
  await queue.close();
  const delays = delaysOf(histogram);
  histogram.disable();
  const mainThread = (mainThreadMs() - started) / (performance.now() - begun);
  const lost = calls.refused + (await calls.misplaced(ipt));
  return { calls: calls.made, lost, took: [...calls.took], mainThread, growth: slope(resident), delays, idle };
});
