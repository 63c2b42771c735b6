import type { MessageCodec } from '@laminar/codecs';
import { type Connection, ConnectorError, type Exhausted, type ExhaustedWatch, within } from '@laminar/connectors';
import { type DeadLetterRetried, type DeadLetterRetry, isDeadLetterId, subjects } from '@laminar/protocol';
import type { Subscription } from '@nats-io/nats-core';
import type { ConnectionCounters } from '../delivery/counters.js';
import type { RunningPipeline } from '../delivery/pipeline.js';
import type { Repeats } from '../delivery/repeats/repeats.js';
import type { DeadLetters } from './dead-letters.js';
import { retryDeadLetter } from './retry.js';
import type { SlotDeadLetters } from './slot-dead-letters.js';

/** What is looked for on a server that does not answer ends with the connection. */
const closeTimeoutMs = 1000;

export interface LetterDeskOptions {
  readonly connection: string;
  readonly source: Pick<Connection, 'watchExhausted'>;
  readonly deadLetters: DeadLetters;
  readonly slotLetters: SlotDeadLetters;
  readonly codec: MessageCodec;
  readonly repeats: Pick<Repeats, 'find'>;
  readonly counters: ConnectionCounters;
  /** Of all slots of the reader one takes the requests to try a letter again. */
  readonly answersRetries: boolean;
  pipelines(): readonly RunningPipeline[];
}

/** What a slot does about dead letters beside its reading: keeps messages that ran out of deliveries, and tries letters again when asked. */
export class LetterDesk {
  #requests: Subscription | undefined;
  #opening: Promise<ExhaustedWatch | undefined> | undefined;
  readonly #ending = new AbortController();
  /** Whoever asks for the same letter meanwhile gets the same answer. */
  readonly #retries = new Map<string, Promise<DeadLetterRetried>>();

  constructor(readonly options: LetterDeskOptions) {}

  /** To be called before anything is read. Throws `ConnectorError`. */
  async open(): Promise<void> {
    const { connection, deadLetters, slotLetters, answersRetries } = this.options;
    if (answersRetries) {
      const owner = slotLetters.options.owner()?.name;
      this.#requests = deadLetters.nc.subscribe(subjects.deadLetterRetry(connection, owner), {
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
    this.#opening = this.#openWatch();
    await this.#opening;
  }

  /** Ends the opening as well, wherever that is. */
  async close(): Promise<void> {
    this.#ending.abort(new ConnectorError('blocked', 'nothing is read any more'));
    this.#requests?.unsubscribe();
    if (this.#opening)
      await within(
        closeTimeoutMs,
        this.#opening.then((watch) => watch?.close()),
      );
    await this.options.slotLetters.close();
  }

  async #openWatch(): Promise<ExhaustedWatch | undefined> {
    const { source, slotLetters } = this.options;
    await slotLetters.open();
    if (this.#ending.signal.aborted) return undefined;
    return source.watchExhausted((exhausted) => this.#takeExhausted(exhausted), this.#ending.signal);
  }

  #takeExhausted({ message, streamIncarnation, problem, settle }: Exhausted): void {
    const { slotLetters, counters, pipelines } = this.options;
    const error = `it ran out of its ${message.delivered} deliveries without an outcome${problem === undefined ? '' : `; ${problem}`}`;
    slotLetters.publish({ pipeline: undefined, message, error, streamIncarnation }, (failure) => {
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
    const { deadLetters, slotLetters, codec, repeats, pipelines } = this.options;
    const kept = await deadLetters.find(id);
    if (!kept) return { outcome: 'gone' };
    return retryDeadLetter(kept, { deadLetters, slotLetters, codec, repeats, pipelines: pipelines() });
  }
}
