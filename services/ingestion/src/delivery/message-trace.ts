import type { Message } from '@laminar/codecs';
import { headers } from '@laminar/protocol';
import { attributes, isSampled, SpanKind, startSpan, traceparentOf } from '@laminar/telemetry';
import type { RunningPipeline } from './pipeline.js';

/** The spans of one message that is traced: `receive`, and `process` and `publish` of each pipeline. */
export class MessageTrace {
  readonly #receive: ReturnType<typeof startSpan>;

  constructor(
    readonly connection: string,
    readonly message: Message,
    parent: string | undefined,
    links: readonly string[],
  ) {
    this.#receive = startSpan(`receive ${connection}`, {
      kind: SpanKind.CONSUMER,
      parent: parent ?? '',
      links,
      attributes: {
        [attributes.messagingSystem]: 'nats',
        [attributes.operationName]: 'receive',
        [attributes.operationType]: 'receive',
        [attributes.destinationName]: message.subject,
        [attributes.messageBodySize]: message.data.length,
        [attributes.connection]: connection,
      },
    });
  }

  /** Notes what a pipeline made of the message, and gives the `traceparent` that its rows carry on. */
  pipeline({ spec, subject }: RunningPipeline, rows: number): string | undefined {
    const common = { [attributes.pipeline]: spec.name, [attributes.revision]: spec.definitionRevision };
    const process = startSpan(`process ${spec.name}`, {
      parent: traceparentOf(this.#receive),
      attributes: { ...common, [attributes.rows]: rows },
    });
    process.end();
    if (rows === 0) return undefined;
    const publish = startSpan(`publish ${subject}`, {
      kind: SpanKind.PRODUCER,
      parent: traceparentOf(process),
      attributes: {
        ...common,
        [attributes.messagingSystem]: 'nats',
        [attributes.operationName]: 'publish',
        [attributes.operationType]: 'send',
        [attributes.destinationName]: subject,
      },
    });
    publish.end();
    return traceparentOf(publish);
  }

  end(): void {
    this.#receive.end();
  }
}

/** The `traceparent` that a producer gave a message; cheap where there are no headers. */
export const producerTrace = (message: Message): string | undefined => message.header(headers.traceparent);

/** Whether a message is traced: its producer decides, or the dice. */
export const isTraced = (traceparent: string | undefined, ratio: number): boolean =>
  traceparent === undefined ? Math.random() < ratio : isSampled(traceparent);
