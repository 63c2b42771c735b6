import Type from 'typebox';

export const guarantees = ['at_most_once', 'at_least_once', 'exactly_once'] as const;
/** How often a row reaches its destination; from the weakest to the strongest. */
export type Guarantee = (typeof guarantees)[number];

/** Options of a pipeline. */
export const pipelineOptions = {
  on_error: Type.Enum(['dead_letter', 'skip', 'retry', 'stop'], {
    description:
      "What happens to a row that cannot be evaluated; the connection's own on_error where it is left out. `retry` needs a source whose consumer acknowledges.",
  }),
  delivery: Type.Enum([...guarantees], {
    description:
      "How often a row is to reach its destination; the strongest that source, query and sink allow where it is left out. What cannot be kept is refused. `exactly_once` together with reader = 'own' makes the pipeline the only writer of its output stream, which holds however long a process stands still.",
  }),
  reader: Type.Enum(['shared', 'own'], {
    description:
      "Whether the pipeline shares the connection's reader (`shared`, unless said otherwise) or has one of its own, by a durable `<consumer>-<pipeline>`: it neither slows its siblings nor is slowed by them, and misses nothing while it is stopped. Needs a JetStream stream that is no work queue.",
  }),
  description: Type.String({ minLength: 1, maxLength: 4096, description: 'A remark for people.' }),
} as const;
