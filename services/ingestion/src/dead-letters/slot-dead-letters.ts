import { createHash, randomBytes } from 'node:crypto';
import type { Message } from '@laminar/codecs';
import { ConnectorError, HeaderBlock, type Reader, type Sink } from '@laminar/connectors';
import { type DeadLetter, type DeadLetterOrigin, deadLetterHeaders, headers } from '@laminar/protocol';
import type { ConnectionSpec, PipelineSpec } from '../desired/slot.js';
import type { DeadLetters } from './dead-letters.js';

/** Bytes of a token that tells a dead letter from all others. */
const tokenBytes = 16;
const closeTimeoutMs = 1000;
/** Headers of a message that would steer the server, or that a dead letter has itself. */
const ownHeaders = /^(nats-|laminar-)/i;

/** A message that is given up, and why. */
export interface GivenUp {
  /** Undefined where no pipeline got to see it, of those that share the reader. */
  readonly pipeline: PipelineSpec | undefined;
  readonly message: Message;
  readonly error: string;
  /** Of the stream that holds the message, where the reader cannot say yet. */
  readonly streamIncarnation?: string;
}

export interface SlotDeadLettersOptions {
  readonly connection: ConnectionSpec;
  /** As it is now, the pipeline whose own reader the slot runs: all letters are its own, also those of messages that it did not get to see. */
  owner(): PipelineSpec | undefined;
  readonly deadLetters: DeadLetters;
  readonly reader: Pick<Reader, 'sourceIncarnation'>;
  /** The connection's own servers, for `dead_letter_subject`. */
  readonly besides: Sink | undefined;
  /** A dead letter was kept by the mesh, and did not get to `dead_letter_subject`. */
  onNotCopied(reason: string): void;
}

/** Where the dead letters of one slot go: the mesh's own stream, and where the connection says so a subject of its own servers as well. */
export class SlotDeadLetters {
  readonly #subject: string | undefined;

  constructor(readonly options: SlotDeadLettersOptions) {
    const { resolved } = options.connection;
    this.#subject = 'deadLetterSubject' in resolved ? resolved.deadLetterSubject : undefined;
  }

  async open(): Promise<void> {
    await this.options.besides?.open();
  }

  async close(): Promise<void> {
    await this.options.besides?.close(closeTimeoutMs);
  }

  /** `settled` is called once it is kept by the mesh. */
  publish(givenUp: GivenUp, settled: (error?: ConnectorError) => void): void {
    const letter = this.letterOf(givenUp);
    this.options.deadLetters.keep(letter, givenUp.message.data, settled);
    if (this.#subject !== undefined && this.options.besides)
      this.#copy(this.options.besides, this.#subject, letter, givenUp.message);
  }

  /** Resolves when more can be taken; undefined means now. */
  ready(): Promise<void> | undefined {
    return this.options.deadLetters.ready();
  }

  letterOf({ pipeline: concerned, message, error, streamIncarnation }: GivenUp): DeadLetter {
    const { connection, reader, owner } = this.options;
    const pipeline = concerned ?? owner();
    const { incarnation } = pipeline ?? connection;
    const origin = originOf(message, streamIncarnation ?? reader.sourceIncarnation);
    return {
      id: `${connection.name}.${tokenOf(pipeline?.name, incarnation, origin)}`,
      connection: connection.name,
      pipeline: pipeline?.name,
      incarnation,
      definitionRevision: pipeline?.definitionRevision ?? connection.revision,
      error,
      origin,
    };
  }

  #copy(sink: Sink, subject: string, letter: DeadLetter, message: Message): void {
    const { onNotCopied } = this.options;
    let block = new HeaderBlock('');
    for (const [name, values] of Object.entries(message.headers() ?? {}))
      if (!ownHeaders.test(name)) for (const value of values) block = block.with(name, value);
    for (const [name, value] of deadLetterHeaders(letter))
      if (name !== headers.origin && name !== headers.incarnation) block = block.with(name, value);
    block = block.with(headers.deadLetterId, letter.id);
    try {
      sink.publish({ subject, data: message.data, headers: block }, (failure) => {
        if (failure) onNotCopied(notCopied(failure));
      });
      sink.flush();
    } catch (failure) {
      if (!(failure instanceof ConnectorError)) throw failure;
      onNotCopied(notCopied(failure));
    }
  }
}

const notCopied = ({ message }: ConnectorError): string =>
  `the dead letter was kept, but not published to dead_letter_subject: ${message}`;

function originOf(message: Message, streamIncarnation: string | undefined): DeadLetterOrigin {
  const { subject, reply, timestampMs, stream, sequence, consumer, delivered } = message;
  const stored =
    sequence === undefined ? undefined : { stream: stream ?? '', sequence, consumer, delivered, streamIncarnation };
  return { subject, reply, timestampMs, headers: message.headers(), stored };
}

/** The same whenever the same message fails in the same place; a message of a core subscription is one of a kind. */
function tokenOf(pipeline: string | undefined, incarnation: number, { stored }: DeadLetterOrigin): string {
  if (!stored) return randomBytes(tokenBytes).toString('base64url');
  const { stream, streamIncarnation, sequence } = stored;
  const place = JSON.stringify([pipeline ?? null, incarnation, stream, streamIncarnation ?? null, sequence]);
  return createHash('sha256').update(place).digest().subarray(0, tokenBytes).toString('base64url');
}
