// What this process has paid: its main thread's time, its memory, and how late its event loop was. For a process that does nothing else.
import { readFileSync, writeFileSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds for which the main thread has run: what others on the machine take is not in it (the kernel's sched-stats.rst). */
export function mainThreadMs(): number {
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6;
}

export function residentBytes(): number {
  return process.memoryUsage.rss();
}

/** From here on peakBytes() is anew (proc(5), clear_refs). */
export function forgetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}
export function peakBytes(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

/** Of a timer of 1 ms, that millisecond included: 1.1 where nothing is late. */
export function loopDelays(): IntervalHistogram {
  return monitorEventLoopDelay({ resolution: 1 });
}
export interface Delays {
  readonly p99: number;
  readonly max: number;
}
export function delaysOf(histogram: IntervalHistogram): Delays {
  return { p99: histogram.percentile(99) / 1e6, max: histogram.max / 1e6 };
}
