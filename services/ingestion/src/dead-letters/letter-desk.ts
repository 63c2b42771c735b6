import type { MessageCodec } from '@laminar/codecs';
import { type Connection, ConnectorError, type Exhausted, type ExhaustedWatch } from '@laminar/connectors';
import { type DeadLetterRetried, type DeadLetterRetry, isDeadLetterId, subjects } from '@laminar/protocol';
import type { Subscription } from '@nats-io/nats-core';
import type { ConnectionCounters } from '../delivery/counters.js';
import type { RunningPipeline } from '../delivery/pipeline.js';
import type { DeadLetters } from './dead-letters.js';
import { retryDeadLetter } from './retry.js';
import type { SlotDeadLetters } from './slot-dead-letters.js';

export interface LetterDeskOptions {
  readonly connection: string;
  readonly source: Connection;
  readonly deadLetters: DeadLetters;
  readonly slotLetters: SlotDeadLetters;
  readonly codec: MessageCodec;
  readonly counters: ConnectionCounters;
  /** Of all slots of the connection one takes the requests to try a letter again. */
  readonly answersRetries: boolean;
  pipelines(): readonly RunningPipeline[];
}

/** What a slot does about dead letters beside its reading: keeps messages that ran out of deliveries, and tries letters again when asked. */
export class LetterDesk {
  #requests: Subscription | undefined;
  #watch: ExhaustedWatch | undefined;
  /** What the watch told of before the reader was open. */
  #early: Exhausted[] | undefined = [];
  readonly #closing = new AbortController();
  /** Whoever asks for the same letter meanwhile gets the same answer. */
  readonly #retries = new Map<string, Promise<DeadLetterRetried>>();

  constructor(readonly options: LetterDeskOptions) {}

  /** To be called before anything is read. Throws `ConnectorError`. */
  async open(): Promise<void> {
    const { connection, source, deadLetters, slotLetters, answersRetries } = this.options;
    if (answersRetries) {
      this.#requests = deadLetters.nc.subscribe(subjects.deadLetterRetry(connection), {
        queue: 'laminar-ingestion',
        callback: (error, request) => {
          if (error) return;
          // Nobody can be told where the bus is gone meanwhile; whoever asked runs into its own time limit.
          void this.#answer(request.data)
            .then((answer) => request.respond(JSON.stringify(answer)))
            .catch(() => undefined);
        },
      });
    }
    await slotLetters.open();
    const watch = await source.watchExhausted((exhausted) => {
      if (this.#early) this.#early.push(exhausted);
      else this.#takeExhausted(exhausted);
    }, this.#closing.signal);
    if (this.#closing.signal.aborted) await watch?.close();
    else this.#watch = watch;
  }

  /** The reader is open, and knows which stream it reads. */
  readerOpened(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const exhausted of early) this.#takeExhausted(exhausted);
  }

  async close(): Promise<void> {
    this.#closing.abort(new ConnectorError('blocked', 'nothing is read any more'));
    this.#requests?.unsubscribe();
    await this.#watch?.close();
    await this.options.slotLetters.close();
  }

  #takeExhausted({ message, problem, settle }: Exhausted): void {
    const { slotLetters, counters, pipelines } = this.options;
    const error = `it ran out of its ${message.delivered} deliveries without an outcome${problem === undefined ? '' : `; ${problem}`}`;
    slotLetters.publish({ pipeline: undefined, message, error }, (failure) => {
      if (!failure) {
        counters.exhausted++;
        for (const { counters: own } of pipelines()) own.deadLetters++;
      }
      settle(failure === undefined);
    });
  }

  async #answer(request: Uint8Array): Promise<DeadLetterRetried> {
    try {
      const { id } = JSON.parse(new TextDecoder().decode(request)) as DeadLetterRetry;
      if (!isDeadLetterId(id)) return { outcome: 'gone' };
      const running = this.#retries.get(id);
      if (running) return await running;
      const retry = this.#retry(id).finally(() => this.#retries.delete(id));
      this.#retries.set(id, retry);
      return await retry;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { outcome: 'not_running', reason: `it could not be tried: ${reason}` };
    }
  }

  async #retry(id: string): Promise<DeadLetterRetried> {
    const { deadLetters, slotLetters, codec, pipelines } = this.options;
    const kept = await deadLetters.find(id);
    if (!kept) return { outcome: 'gone' };
    return retryDeadLetter(kept, { deadLetters, slotLetters, codec, pipelines: pipelines() });
  }
}
