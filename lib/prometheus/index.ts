// The public names of nflink/prometheus.
export {
  type CollectorOptions,
  NetfilterCollector,
  type PolledCounters,
  type PollFailure,
  type PrometheusClient,
  type RuleLabels,
} from './collector.ts';
export type { Labels } from './series.ts';
