import { subjects } from './subjects.js';

/** JetStream streams of the mesh's own bus that are not buckets. */
export const streams = {
  /** The last metrics message of each instance and part, so that counters outlive a process. */
  metrics: 'laminar_metrics',
  /** Messages that could not be processed. */
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

const dayNs = 24 * 3_600_000 * 1_000_000;

/**
 * The settings of the stream of dead letters: one message for each letter, as it stands, the oldest leaving first. Whoever needs it first
 * makes it.
 */
export const deadLettersStream = (replicas: number) => ({
  name: streams.deadLetters,
  subjects: [subjects.everyDeadLetter],
  max_msgs_per_subject: 1,
  max_msgs: 100_000,
  max_bytes: 256 * 1024 * 1024,
  max_age: 30 * dayNs,
  allow_direct: true,
  num_replicas: replicas,
});
