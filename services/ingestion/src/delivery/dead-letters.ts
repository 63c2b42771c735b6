import type { Message } from '@laminar/codecs';
import { ConnectorError, createOutputSink, HeaderBlock, type Sink } from '@laminar/connectors';
import { headers, streams, subjects } from '@laminar/protocol';
import { DiscardPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/nats-core';
import { ensureStream } from '../stream.js';

const bytesMax = 1024 ** 3;
const ageMaxMs = 30 * 24 * 3_600_000;

export interface DeadLetter {
  readonly connection: string;
  /** Undefined where the message could not be decoded, whichever pipeline reads it. */
  readonly pipeline: string | undefined;
  readonly definitionRevision: number;
  readonly message: Message;
  /** Of the stream that the message comes from; undefined for core. */
  readonly sourceIncarnation: string | undefined;
  readonly error: string;
}

/** Keeps messages that could not be processed, in a stream of the mesh's own bus: the payload as it came, and why. */
export class DeadLetters {
  readonly #sink: Sink;

  constructor(nc: NatsConnection) {
    this.#sink = createOutputSink(nc, { durable: true });
  }

  async open(jsm: JetStreamManager, replicas: number): Promise<void> {
    await ensureStream(jsm, {
      name: streams.deadLetters,
      subjects: [subjects.everyDeadLetter],
      max_bytes: bytesMax,
      max_age: nanos(ageMaxMs),
      discard: DiscardPolicy.Old,
      num_replicas: replicas,
    });
    await this.#sink.open();
  }

  /** `settled` is called once it is kept. A payload that is too large for the bus is left out, which the error then says. */
  publish(letter: DeadLetter, settled: (error?: Error) => void): void {
    const { connection, message, error } = letter;
    const subject = subjects.deadLetter(connection);
    try {
      this.#sink.publish({ subject, data: message.data, headers: headersOf(letter, error) }, settled);
    } catch (failure) {
      if (!(failure instanceof ConnectorError)) throw failure;
      const remark = `${error} (its payload of ${message.data.length} bytes is too large to be kept)`;
      this.#sink.publish({ subject, data: new Uint8Array(), headers: headersOf(letter, remark) }, settled);
    }
  }

  /** Resolves when more can be taken; undefined means now. */
  ready(): Promise<void> | undefined {
    return this.#sink.ready();
  }

  /** Why messages wait for their dead letters to be kept; undefined while they do not. */
  get problem(): string | undefined {
    const { problem } = this.#sink;
    return problem !== undefined && this.#sink.ready() ? `dead letters cannot be kept: ${problem}` : undefined;
  }

  close(timeoutMs: number): Promise<void> {
    return this.#sink.close(timeoutMs);
  }
}

function headersOf(
  { pipeline, definitionRevision, message, sourceIncarnation }: DeadLetter,
  error: string,
): HeaderBlock {
  let block = new HeaderBlock('')
    .with(headers.deadLetterError, error.replace(/[\r\n]+/g, ' '))
    .with(headers.deadLetterSubject, message.subject)
    .with(headers.revision, String(definitionRevision));
  if (pipeline !== undefined) block = block.with(headers.pipeline, pipeline);
  if (message.sequence === undefined) return block;
  const id = `${pipeline ?? ''}.${definitionRevision}.${message.stream}.${sourceIncarnation}.${message.sequence}`;
  return block.with(headers.source, `${message.stream}:${message.sequence}`).with(headers.messageId, id);
}
