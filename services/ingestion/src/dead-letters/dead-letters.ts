import { randomUUID } from 'node:crypto';
import { ConnectorError, createOutputSink, HeaderBlock, type Sink } from '@laminar/connectors';
import {
  type DeadLetter,
  deadLetterHeaders,
  deadLettersStream,
  headers,
  readDeadLetter,
  streams,
  subjects,
} from '@laminar/protocol';
import { JetStreamApiError, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import { type NatsConnection, headers as natsHeaders } from '@nats-io/nats-core';
import { ensureStream } from '../stream.js';

const messageNotFound = 10037;
const wrongLastSequence = 10071;

/** A dead letter as the stream holds it. */
export interface KeptDeadLetter {
  readonly letter: DeadLetter;
  readonly payload: Uint8Array;
  /** Of the letter in its stream; another version of it has another one. */
  readonly sequence: number;
}

/** Of an error's text, which may quote a value. */
const errorCharsMax = 2000;
/** Of a message's own headers, as JSON. */
const headerBytesMax = 32 * 1024;

/** Keeps messages that could not be processed, in a stream of the mesh's own bus: the payload as it came, and why. */
export class DeadLetters {
  readonly #sink: Sink;
  #jsm: JetStreamManager | undefined;

  constructor(readonly nc: NatsConnection) {
    this.#sink = createOutputSink(nc, { durable: true });
  }

  async open(jsm: JetStreamManager, replicas: number): Promise<void> {
    this.#jsm = jsm;
    await ensureStream(jsm, deadLettersStream(replicas));
    await this.#sink.open();
  }

  /**
   * Keeps a letter in the place of the one of its id. `settled` is called once it is kept, or with the reason why it is not, and never within the call. What
   * is too large for the bus of payload and headers is left out, which the error then says.
   */
  keep(letter: DeadLetter, payload: Uint8Array, settled: (error?: ConnectorError) => void): void {
    const fitting = withinLimits(letter);
    const withoutPayload = () => {
      const error = `${fitting.error} (its payload of ${payload.length} bytes is too large to be kept)`;
      this.#publish({ ...fitting, error }, new Uint8Array(), settled);
    };
    this.#publish(fitting, payload, (failure) => {
      if (failure?.steer === 'failed' && payload.length > 0) withoutPayload();
      else settled(failure);
    });
  }

  /** The letter as it stands; undefined where there is none. */
  async find(id: string): Promise<KeptDeadLetter | undefined> {
    try {
      const stored = await this.#jsm?.streams.getMessage(streams.deadLetters, {
        last_by_subj: subjects.deadLetter(id),
      });
      if (!stored) return undefined;
      const letter = readDeadLetter(stored.subject, (name) => stored.header.get(name) || undefined);
      return letter && { letter, payload: stored.data, sequence: stored.seq };
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === messageNotFound) return undefined;
      throw error;
    }
  }

  /** Notes that a letter was processed after all, unless another version of it came meanwhile. */
  async withdraw({ letter, sequence }: KeptDeadLetter): Promise<void> {
    const block = natsHeaders();
    block.set(headers.withdrawn, 'processed');
    block.set(headers.expectedLastSubjectSequence, String(sequence));
    try {
      await jetstream(this.nc).publish(subjects.deadLetter(letter.id), new Uint8Array(), { headers: block });
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === wrongLastSequence)) throw error;
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

  #publish(letter: DeadLetter, payload: Uint8Array, settled: (error?: ConnectorError) => void): void {
    // What is published again for want of an answer is dropped by its id, so that it cannot come after a later version.
    let block = new HeaderBlock('').with(headers.messageId, randomUUID());
    for (const [name, value] of deadLetterHeaders(letter)) block = block.with(name, value);
    try {
      this.#sink.publish({ subject: subjects.deadLetter(letter.id), data: payload, headers: block }, settled);
    } catch (failure) {
      if (!(failure instanceof ConnectorError)) throw failure;
      queueMicrotask(() => settled(failure));
    }
  }
}

/** The letter as its headers can carry it: a stream takes 64 KiB of headers. */
function withinLimits(letter: DeadLetter): DeadLetter {
  const { origin } = letter;
  const error = letter.error.length > errorCharsMax ? `${letter.error.slice(0, errorCharsMax)}…` : letter.error;
  const headerBytes = origin.headers === undefined ? 0 : Buffer.byteLength(JSON.stringify(origin.headers));
  if (headerBytes <= headerBytesMax) return { ...letter, error };
  return {
    ...letter,
    origin: { ...origin, headers: undefined },
    error: `${error} (its headers of ${headerBytes} bytes are too large to be kept)`,
  };
}
