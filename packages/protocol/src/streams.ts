import { subjects } from './subjects.js';

/** JetStream streams of the mesh's own bus that are not buckets. */
export const streams = {
  /** The last metrics message of each instance and part, so that counters outlive a process. */
  metrics: 'laminar_metrics',
  /** Messages that a pipeline could not process. */
  deadLetters: 'laminar_dead_letters',
} as const;

/** The settings of the stream of metrics, as the JetStream API takes them; whoever needs it first makes it. */
export const metricsStream = (replicas: number) => ({
  name: streams.metrics,
  subjects: [subjects.everyMetrics],
  max_msgs_per_subject: 1,
  allow_direct: true,
  num_replicas: replicas,
});
