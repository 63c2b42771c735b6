import { observeCounter } from '@laminar/telemetry';
import type { CounterRegistry, PipelineCounters } from '../delivery/counters.js';

/** Offers the counters to Prometheus, with the names of definitions as their only label. */
export function observeCounters({ pipelines, connections }: CounterRegistry): void {
  const ofPipelines = (name: string, description: string, value: (counters: PipelineCounters) => number) =>
    observeCounter(`laminar_pipeline_${name}`, description, () =>
      Array.from(pipelines.values(), (counters) => ({
        value: value(counters),
        attributes: { pipeline: counters.name },
      })),
    );
  ofPipelines('messages_in', 'Messages that a pipeline evaluated.', ({ messagesIn }) => messagesIn);
  ofPipelines('messages_out', 'Rows that a pipeline published.', ({ messagesOut }) => messagesOut);
  ofPipelines('errors', 'Messages that a pipeline could not decode, evaluate or publish.', ({ errors }) => errors);
  ofPipelines(
    'dead_letters',
    'Messages of a pipeline that were kept as dead letters.',
    ({ deadLetters }) => deadLetters,
  );
  ofPipelines(
    'duplicates',
    'Rows of a pipeline that its output held before, as its server said or a look at it has shown; they are there once.',
    ({ duplicates }) => duplicates,
  );
  observeCounter('laminar_connection_messages_received', 'Messages that a connection received.', () =>
    Array.from(connections.values(), ({ name, messagesReceived }) => ({
      value: messagesReceived,
      attributes: { connection: name },
    })),
  );
}
