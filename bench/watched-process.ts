// What bench/watch.ts measures, in a process of its own which has loaded nothing but nflink.
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, openIn, type Where } from './harness/measured.ts';
import { type Delays, delaysOf, forgetPeak, loopDelays, mainThreadMs, peakBytes, residentBytes } from './harness/own-process.ts';
import { slope } from './harness/statistics.ts';

/** Polls, one after the other. */
export interface PollRequest extends Where {
  readonly kind: 'polls';
  readonly polls: number;
}
/** A watch. */
export interface WatchRequest extends Where {
  readonly kind: 'watch';
  readonly seconds: number;
  readonly intervalMs: number;
}

export interface PollFigures {
  /** Milliseconds of the main thread: of the first poll, and of each of those after it. */
  readonly first: number;
  readonly later: readonly number[];
  /** The event loop's longest delay in each of as many polls more, in milliseconds. */
  readonly delays: readonly number[];
  /** Of resident memory above what was there before the first poll, at most. */
  readonly peakBytes: number;
}
export interface WatchFigures {
  readonly polls: number;
  readonly skipped: number;
  /** Milliseconds of the main thread a poll, without those of an idle process in that time. */
  readonly mainThread: number;
  /** Bytes a minute that resident memory grows by, once it has settled. */
  readonly growth: number;
  readonly delays: Delays;
  /** The same before there was a watch: what the machine does to it. */
  readonly idle: Delays;
}

const PAUSE_MS = 20;
const IDLE_MS = 2000;
/** The first ten seconds of a minute. */
const SETTLING = 1 / 6;

async function polls(o: PollRequest): Promise<PollFigures> {
  await using ipt = await openIn(o);
  const poll = async (): Promise<void> => {
    const { length } = await ipt.counters();
    if (length !== o.rules) throw new Error(`counters of ${length} rules, ${o.rules} are right`);
  };
  const before = residentBytes();
  forgetPeak();
  const timed = async (): Promise<number> => {
    await sleep(PAUSE_MS);
    const start = mainThreadMs();
    await poll();
    return mainThreadMs() - start;
  };
  const first = await timed();
  const later: number[] = [];
  for (let i = 0; i < o.polls; i++) later.push(await timed());
  const delays: number[] = [];
  const histogram = loopDelays();
  for (let i = 0; i < o.polls; i++) {
    histogram.enable();
    await sleep(PAUSE_MS);
    histogram.reset();
    await poll();
    // What comes of the last turn.
    await sleep(2);
    histogram.disable();
    delays.push(delaysOf(histogram).max);
  }
  return { first, later, delays, peakBytes: peakBytes() - before };
}

async function watch(o: WatchRequest): Promise<WatchFigures> {
  await using ipt = await openIn(o);
  const histogram = loopDelays();
  histogram.enable();
  const idleMs = Math.min(IDLE_MS, o.seconds * 1000);
  const idleStarted = mainThreadMs();
  await sleep(idleMs);
  // The histogram's own timer is most of it.
  const idleShare = (mainThreadMs() - idleStarted) / idleMs;
  const idle = delaysOf(histogram);
  const resident: (readonly [minutes: number, bytes: number])[] = [];
  let [count, skipped, settled] = [0, 0, 0];
  const begun = performance.now();
  const started = mainThreadMs();
  for await (const sample of ipt.watchCounters({ intervalMs: o.intervalMs })) {
    if (sample.error !== undefined) throw sample.error;
    if (sample.snapshot?.length !== o.rules) throw new Error(`counters of ${sample.snapshot?.length} rules, ${o.rules} are right`);
    count++;
    skipped += sample.skipped;
    const now = performance.now() - begun;
    if (now < o.seconds * 1000 * SETTLING) continue;
    if (settled++ === 0) histogram.reset();
    resident.push([now / 60_000, residentBytes()]);
    if (now >= o.seconds * 1000 && resident.length > 1) break;
  }
  const mainThread = (mainThreadMs() - started - idleShare * (performance.now() - begun)) / count;
  histogram.disable();
  return {
    polls: count,
    skipped,
    mainThread,
    growth: slope(resident),
    delays: delaysOf(histogram),
    idle,
  };
}

answer<PollRequest | WatchRequest>((request) => (request.kind === 'polls' ? polls(request) : watch(request)));
