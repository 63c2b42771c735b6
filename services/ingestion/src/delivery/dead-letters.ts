import type { Message } from '@laminar/codecs';
import { createOutputSink, HeaderBlock, type Sink } from '@laminar/connectors';
import { headers, streams, subjects } from '@laminar/protocol';
import { DiscardPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/nats-core';

const bytesMax = 1024 ** 3;
const ageMaxMs = 30 * 24 * 3_600_000;

export interface DeadLetter {
  readonly connection: string;
  /** Undefined where the message could not be decoded, whichever pipeline reads it. */
  readonly pipeline: string | undefined;
  readonly definitionRevision: number;
  readonly message: Message;
  readonly error: string;
}

/** Keeps messages that could not be processed, in a stream of the mesh's own bus: the payload as it came, and why. */
export class DeadLetters {
  readonly #sink: Sink;

  constructor(nc: NatsConnection) {
    this.#sink = createOutputSink(nc, { durable: true });
  }

  async open(jsm: JetStreamManager, replicas: number): Promise<void> {
    await jsm.streams.add({
      name: streams.deadLetters,
      subjects: [subjects.everyDeadLetter],
      max_bytes: bytesMax,
      max_age: nanos(ageMaxMs),
      discard: DiscardPolicy.Old,
      num_replicas: replicas,
    });
    await this.#sink.open();
  }

  /** `settled` is called once it is kept. */
  publish(letter: DeadLetter, settled: (error?: Error) => void): void {
    const { connection, pipeline, definitionRevision, message, error } = letter;
    let block = new HeaderBlock('')
      .with(headers.deadLetterError, error.replace(/[\r\n]+/g, ' '))
      .with(headers.deadLetterSubject, message.subject)
      .with(headers.revision, String(definitionRevision));
    if (pipeline !== undefined) block = block.with(headers.pipeline, pipeline);
    if (message.sequence !== undefined) {
      block = block
        .with(headers.source, `${message.stream}:${message.sequence}`)
        .with(headers.messageId, `${pipeline ?? ''}.${definitionRevision}.${message.stream}.${message.sequence}`);
    }
    this.#sink.publish({ subject: subjects.deadLetter(connection), data: message.data, headers: block }, settled);
  }

  close(timeoutMs: number): Promise<void> {
    return this.#sink.close(timeoutMs);
  }
}
