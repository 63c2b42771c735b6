import type { Message } from '@laminar/codecs';
import { headers } from '@laminar/protocol';
import {
  addLink,
  attributes,
  recordError,
  SpanKind,
  sampledTraceparent,
  startSpan,
  traceIdOf,
  traceparentOf,
} from '@laminar/telemetry';
import type { RunningPipeline } from './pipeline.js';

/** The spans of one message that is traced: `receive`, and `process` and `publish` of each pipeline. */
export class MessageTrace {
  readonly #receive: ReturnType<typeof startSpan>;
  readonly #traceparent: string;

  /** `parent` is a `traceparent`, or undefined for a trace of its own. */
  constructor(connection: string, message: Message, parent: string | undefined) {
    this.#receive = startSpan(`receive ${connection}`, {
      kind: SpanKind.CONSUMER,
      parent: parent ?? '',
      attributes: {
        [attributes.messagingSystem]: 'nats',
        [attributes.operationName]: 'receive',
        [attributes.operationType]: 'receive',
        [attributes.destinationName]: message.subject,
        [attributes.messageBodySize]: message.data.length,
        [attributes.connection]: connection,
      },
    });
    this.#traceparent = traceparentOf(this.#receive);
  }

  /**
   * The trace of a message that is the first since something was applied: the producer's where it has one, and linked to what was
   * applied; else that of what was applied. Always sampled.
   */
  static first(connection: string, message: Message, applied: string): MessageTrace {
    const producer = sampledTraceparent(producerTrace(message));
    const trace = new MessageTrace(connection, message, producer ?? applied);
    if (producer !== undefined) addLink(trace.#receive, applied);
    return trace;
  }

  /** Takes in that the message is also the first since `applied`, where it can tell so: by a link, or as a part of the same trace. */
  adopt(applied: string, message: Message): boolean {
    if (producerTrace(message) !== undefined) addLink(this.#receive, applied);
    else if (traceIdOf(applied) !== traceIdOf(this.#traceparent)) return false;
    return true;
  }

  /** Notes that a pipeline made `rows` of the message since `startedAtMs` (Unix milliseconds), or failed at it. Its `traceparent`. */
  processed({ spec }: RunningPipeline, startedAtMs: number, rows: number, error?: unknown): string {
    const span = startSpan(`process ${spec.name}`, {
      parent: this.#traceparent,
      startTimeMs: startedAtMs,
      attributes: { ...pipelineAttributes(spec), [attributes.rows]: rows },
    });
    if (error !== undefined) recordError(span, error);
    span.end();
    return traceparentOf(span);
  }

  end(): void {
    this.#receive.end();
  }
}

/** The span of publishing a message's rows; its `traceparent` goes out with them, and it ends when they are confirmed. */
export function startPublish({ spec, subject }: RunningPipeline, processed: string): ReturnType<typeof startSpan> {
  return startSpan(`publish ${subject}`, {
    kind: SpanKind.PRODUCER,
    parent: processed,
    attributes: {
      ...pipelineAttributes(spec),
      [attributes.messagingSystem]: 'nats',
      [attributes.operationName]: 'publish',
      [attributes.operationType]: 'send',
      [attributes.destinationName]: subject,
    },
  });
}

const pipelineAttributes = ({ name, definitionRevision }: RunningPipeline['spec']) => ({
  [attributes.pipeline]: name,
  [attributes.revision]: definitionRevision,
});

/** The `traceparent` that a producer gave a message; cheap where there are no headers. */
export const producerTrace = (message: Message): string | undefined => message.header(headers.traceparent);
