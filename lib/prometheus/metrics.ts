// The metrics by name, with what they count and in what.
import type { Counter, CounterConfiguration, Gauge, Registry, register } from 'prom-client';

/** What is used of the prom-client module: the caller's own copy, whose registry it is. */
export interface PrometheusClient {
  readonly Counter: typeof Counter;
  readonly Gauge: typeof Gauge;
  readonly register: typeof register;
}

/** On every series: which object was polled. */
export const SOURCE = 'source';
/** On the one series that sums all those beyond the maximum. */
export const OTHERS = 'others';

export interface MetricOptions {
  readonly registers: readonly Registry[];
  readonly ruleLabelNames: readonly string[];
  collect(): Promise<void>;
}

export interface Metrics extends ReturnType<typeof metricsOf> {
  /** Takes them out of the registries. May be called again. */
  unregister(): void;
}

/** Where one can't be made, such as for a name that a registry has already, none stays registered. */
export function makeMetrics(client: PrometheusClient, o: MetricOptions): Metrics {
  const ours: (() => void)[] = [];
  const unregister = (): void => {
    for (const remove of ours.splice(0)) remove();
  };
  const config = (name: string, help: string, labels: readonly string[]): CounterConfiguration<string> => {
    // prom-client registers in one after the other, and stops at the first that has the name.
    for (const register of o.registers)
      if (register.getSingleMetric(name) === undefined) ours.push(() => register.removeSingleMetric(name));
    return { name, help, labelNames: [SOURCE, ...labels], registers: [...o.registers], collect: () => o.collect() };
  };
  try {
    return { ...metricsOf(client, config, o.ruleLabelNames), unregister };
  } catch (err) {
    unregister();
    throw err;
  }
}

type Configure = (name: string, help: string, labels: readonly string[]) => CounterConfiguration<string>;

function metricsOf(client: PrometheusClient, config: Configure, ruleLabelNames: readonly string[]) {
  const counter = (name: string, help: string, labels: readonly string[]): Counter =>
    new client.Counter(config(`nflink_${name}`, help, labels));
  const gauge = (name: string, help: string, labels: readonly string[]): Gauge => new client.Gauge(config(`nflink_${name}`, help, labels));
  const both = (name: string, of: string, labels: readonly string[]): { readonly packets: Counter; readonly bytes: Counter } => ({
    packets: counter(`${name}_packets_total`, `Packets ${of}.`, [...labels, OTHERS]),
    bytes: counter(`${name}_bytes_total`, `Bytes ${of}.`, [...labels, OTHERS]),
  });
  const named = ['family', 'table'];
  return {
    rules: both('rule', 'that a rule has counted', ruleLabelNames),
    chains: both('chain_policy', 'at the end of a base chain, that no rule has decided', [...named, 'chain']),
    counters: both('counter', 'that a named counter has counted', [...named, 'counter']),
    quotaUsed: gauge('quota_used_bytes', 'Bytes used of a quota; a reset puts them back to 0.', [...named, 'quota', OTHERS]),
    quotaLimit: gauge('quota_limit_bytes', 'Bytes that a quota is for.', [...named, 'quota', OTHERS]),
    setElements: gauge('set_elements', 'Number of elements of a set or map.', [...named, 'set']),
    leftOut: gauge('series_left_out', 'Number of series beyond the maximum, summed into the one with others="true".', ['of']),
    duration: gauge('poll_duration_seconds', 'Seconds that the last poll took.', ['of']),
    errors: counter('poll_errors_total', 'Number of polls that failed.', ['of']),
  };
}
