// Counters for Prometheus: polled when it scrapes, through the caller's own prom-client.
import type { CounterConfiguration, Counter as PromCounter, Registry } from 'prom-client';
import { NetfilterError } from '../errors.ts';
import type { Iptables } from '../iptables/iptables.ts';
import type { InstalledRule } from '../model/ruleset.ts';
import type { Nftables, SetRef } from '../nftables/nftables.ts';
import { type Metrics, makeMetrics, OTHERS, type PrometheusClient, SOURCE } from './metrics.ts';
import { NamedSeries, type QuotaValue, quotaValues, readSetSizes, type SetSize } from './named.ts';
import { RuleSeries, ruleLabelNames, ruleLabels } from './rules.ts';
import type { Labels, SeriesBook } from './series.ts';

export type { PrometheusClient } from './metrics.ts';

/** What one poll reads. */
export type PolledCounters = 'rules' | 'chains' | 'counters' | 'quotas' | 'sets';

export interface PollFailure {
  /** 'nftables', 'iptables-nft', 'iptables-legacy', 'ip6tables-nft', 'ip6tables-legacy'. */
  readonly source: string;
  readonly of: PolledCounters;
}

export interface RuleLabels {
  /** All names that `labels` gives; not `source` and `others`, which the collector sets. */
  readonly names: readonly string[];
  /**
   * A rule's labels; undefined leaves it out. Rules with the same labels are one series. Called once for a rule that counts, and again when it has
   * changed or has another place in its chain: what it gives may depend on the rule and its place, not on what it has counted.
   */
  labels(rule: InstalledRule): Labels | undefined;
}

export interface CollectorOptions {
  /**
   * At most one Nftables, and of Iptables one per family and backend. They stay the caller's: close them after `unregister`. A sync
   * call of theirs throws ERR_BUSY while a scrape is in flight.
   */
  readonly sources: readonly (Nftables | Iptables)[];
  /** Default: prom-client's own registry. */
  readonly registers?: NonNullable<CounterConfiguration<string>['registers']>;
  /** Default: family, table, chain and `rule`: its comment, else `handle 12`, on legacy `number 3`. */
  readonly rules?: RuleLabels;
  /** Series of rules per source; likewise of chains, of counters and of quotas. What is beyond is summed into one series. Default 1000. */
  readonly maxSeries?: number;
  /** Sets and maps whose elements are to be counted, of the Nftables. */
  readonly sets?: readonly SetRef[];
  /** What is not to be polled. */
  readonly omit?: readonly PolledCounters[];
  /** A poll failed. It has been counted, what it reads is missing from this scrape, and all else is in it. */
  onError?(error: Error, failure: PollFailure): void;
}

const DEFAULT_MAX_SERIES = 1000;

/**
 * Metrics `nflink_…` that are polled at each scrape, once each however many metrics there are. Values are what the kernel has counted, as
 * JavaScript numbers: exact up to 2^53. A rule that is gone is a series that is gone. `client` is the prom-client module, that of the caller:
 * nflink/prometheus imports none, so the registry is the one that the caller serves. Errors: ERR_INVALID_ARG; what prom-client throws
 * for a name that is registered already; then no metric stays behind.
 */
export class NetfilterCollector {
  readonly #sources: readonly Source[];
  readonly #metrics: Metrics;
  readonly #onError: CollectorOptions['onError'];
  #scrape: Promise<void> | undefined;

  constructor(client: PrometheusClient, o: CollectorOptions) {
    const labels = o.rules ?? { names: ruleLabelNames, labels: ruleLabels };
    check(o, labels.names);
    this.#sources = o.sources.map((object) => new Source(object, o, labels));
    this.#onError = o.onError?.bind(o);
    this.#metrics = makeMetrics(client, {
      // Either kind of registry takes them.
      registers: (o.registers ?? [client.register]) as readonly Registry[],
      ruleLabelNames: labels.names,
      collect: () => this.#collect(),
    });
    for (const { name, polls } of this.#sources) for (const of of polls.keys()) this.#metrics.errors.inc({ [SOURCE]: name, of }, 0);
  }

  /** Takes the metrics out of the registries. May be called again. */
  unregister(): void {
    this.#metrics.unregister();
  }

  /** Every metric asks; a scrape asks them all at once, and two scrapes at a time share the polls. */
  #collect(): Promise<void> {
    this.#scrape ??= this.#poll().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  async #poll(): Promise<void> {
    const done = await Promise.all(this.#sources.map((source) => source.poll()));
    // From here on nothing waits: no scrape sees half of it.
    const { rules, chains, counters, quotaUsed, quotaLimit, setElements, leftOut, duration, errors } = this.#metrics;
    for (const { packets, bytes } of [rules, chains, counters]) for (const metric of [packets, bytes]) metric.reset();
    for (const metric of [quotaUsed, quotaLimit, setElements, leftOut]) metric.reset();
    const failures: [Error, PollFailure][] = [];
    for (const [i, source] of this.#sources.entries()) {
      const labels = { [SOURCE]: source.name };
      for (const { of, seconds, error } of done[i] ?? []) {
        duration.set({ ...labels, of }, seconds);
        if (error !== undefined) {
          errors.inc({ ...labels, of }, 1);
          failures.push([error, { source: source.name, of }]);
        }
        if (of === 'sets') for (const set of source.sizes) setElements.set({ ...labels, ...set.labels }, set.elements);
        if (error !== undefined || of === 'sets') continue;
        if (of === 'quotas') {
          for (const quota of source.quotas.values) {
            const own = { ...labels, ...(quota.labels ?? { [OTHERS]: 'true' }) };
            quotaUsed.set(own, Number(quota.used));
            quotaLimit.set(own, Number(quota.limit));
          }
        } else show(source.books[of], this.#metrics[of], labels);
        leftOut.set({ ...labels, of }, of === 'quotas' ? source.quotas.leftOut : source.books[of].leftOut);
      }
    }
    for (const [error, failure] of failures) {
      try {
        this.#onError?.(error, failure);
      } catch {
        // The scrape goes on: it is the caller's own, who was told.
      }
    }
  }
}

function show(book: SeriesBook, metric: { readonly packets: PromCounter; readonly bytes: PromCounter }, labels: Labels): void {
  for (const series of book) {
    const own = { ...labels, ...(series.labels ?? { [OTHERS]: 'true' }) };
    metric.packets.inc(own, Number(series.packets));
    metric.bytes.inc(own, Number(series.bytes));
  }
}

interface PollResult {
  readonly of: PolledCounters;
  readonly seconds: number;
  readonly error?: Error;
}

/** One object that is polled, and what its polls have given. */
class Source {
  readonly name: string;
  readonly polls: ReadonlyMap<PolledCounters, () => Promise<void>>;
  readonly books: Readonly<Record<'rules' | 'chains' | 'counters', SeriesBook>>;
  quotas: { readonly values: readonly QuotaValue[]; readonly leftOut: number } = { values: [], leftOut: 0 };
  sizes: readonly SetSize[] = [];

  constructor(object: Nftables | Iptables, o: CollectorOptions, labels: RuleLabels) {
    const maximum = o.maxSeries ?? DEFAULT_MAX_SERIES;
    const rules = new RuleSeries(maximum, labels.names, (rule) => labels.labels(rule));
    const chains = new NamedSeries(maximum, 'chain');
    const counters = new NamedSeries(maximum, 'counter');
    this.name = sourceName(object);
    this.books = { rules: rules.book, chains: chains.book, counters: counters.book };
    const polls = new Map<PolledCounters, () => Promise<void>>([
      ['rules', async () => rules.update(await object.counters())],
      ['chains', async () => chains.update(await object.chainCounters())],
    ]);
    if (!('backend' in object)) {
      polls.set('counters', async () => counters.update(await object.namedCounters()));
      polls.set('quotas', async () => {
        this.quotas = quotaValues(await object.quotas(), maximum);
      });
      const sets = o.sets ?? [];
      if (sets.length > 0)
        polls.set('sets', async () => {
          const sizes: SetSize[] = [];
          this.sizes = sizes;
          await readSetSizes(object, sets, sizes);
        });
    }
    for (const of of o.omit ?? []) polls.delete(of);
    this.polls = polls;
  }

  async poll(): Promise<PollResult[]> {
    const out: PollResult[] = [];
    for (const [of, poll] of this.polls) {
      const begun = performance.now();
      const error = await poll().then(
        () => undefined,
        (err: unknown) => (err instanceof Error ? err : new Error(String(err))),
      );
      const seconds = (performance.now() - begun) / 1000;
      out.push(error === undefined ? { of, seconds } : { of, seconds, error });
    }
    return out;
  }
}

function sourceName(object: Nftables | Iptables): string {
  return 'backend' in object ? `${object.family}tables-${object.backend.name}` : 'nftables';
}

function check(o: CollectorOptions, labelNames: readonly string[]): void {
  const wrong = (what: string): never => {
    throw new NetfilterError(`NetfilterCollector: ${what}`, { code: 'ERR_INVALID_ARG' });
  };
  const names = o.sources.map(sourceName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) wrong(`two sources ${twice}: their series would be the same; give each namespace a collector and a registry`);
  if (names.length === 0) wrong('no sources');
  if ((o.sets?.length ?? 0) > 0 && !names.includes('nftables')) wrong('sets need an Nftables');
  const reserved = labelNames.find((name) => name === SOURCE || name === OTHERS);
  if (reserved !== undefined) wrong(`rules.names: ${reserved} is the collector’s own label`);
  const { maxSeries = DEFAULT_MAX_SERIES } = o;
  if (!Number.isInteger(maxSeries) || maxSeries < 0) wrong(`maxSeries ${maxSeries}: a whole number from 0`);
}
