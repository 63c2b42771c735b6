import { setTimeout as delay } from 'node:timers/promises';
import { subjectsOverlap } from '@laminar/definitions';
import { type ConsumerConfig, DeliverPolicy, type JetStreamManager, type StreamState } from '@nats-io/jetstream';
import type { Tap } from '../contract.js';
import { connectorError } from './errors.js';
import { StoredMessage } from './stored-message.js';
import type { TappedStream } from './stream-tap.js';
import { hasEnd, isBeyond, isOver } from './tap-range.js';
import { timestampMsOf } from './timestamp.js';

/** How often it is looked for messages that were added. */
const lookIntervalMs = 250;

/** Reads along by looking messages up, one after the other, in the order of the stream: what somebody has taken out by then is not seen. */
export class StoredTap implements Tap {
  #next: number;
  readonly #fromMs: number;
  /** Nothing is added any more to the range. */
  #isOver = false;
  readonly #closed = new AbortController();

  constructor(
    readonly jsm: JetStreamManager,
    readonly stream: TappedStream,
    state: Pick<StreamState, 'first_seq' | 'last_seq'>,
  ) {
    this.#next = firstSequence(stream.start, state);
    this.#fromMs = timestampMsOf(stream.start.opt_start_time ?? '') || 0;
  }

  async open(): Promise<void> {}

  async read(): Promise<readonly StoredMessage[] | undefined> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        const found = await this.#find();
        if (signal.aborted || found === 'beyond') return undefined;
        if (found) return [found];
        if (this.#isOver) return undefined;
        this.#isOver = await this.#checkOver();
      } catch (error) {
        if (signal.aborted) return undefined;
        throw connectorError(`reading the stream "${this.stream.name}"`, error);
      }
      // What came before the stream was over has to be looked for once more.
      if (!this.#isOver) await delay(lookIntervalMs, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  #isWanted(subject: string): boolean {
    const { filters } = this.stream;
    return filters.length === 0 || filters.some((filter) => subjectsOverlap(filter, subject));
  }

  /** The next message that is wanted; undefined where there is none yet. */
  async #find(): Promise<StoredMessage | 'beyond' | undefined> {
    const { name, filters, range } = this.stream;
    const [only, ...others] = filters;
    const next_by_subj = only === undefined || others.length > 0 ? '>' : only;
    for (;;) {
      const query = { seq: this.#next, next_by_subj };
      const stored = await this.jsm.streams.getMessage(name, query);
      if (!stored) return undefined;
      this.#next = stored.seq + 1;
      const message = new StoredMessage(stored, name, '', 1);
      if (range && isBeyond(range, message.sequence, message.timestampMs)) return 'beyond';
      if (message.timestampMs >= this.#fromMs && this.#isWanted(message.subject)) return message;
      if (this.#closed.signal.aborted) return undefined;
    }
  }

  async #checkOver(): Promise<boolean> {
    const { name, range } = this.stream;
    if (!range || !hasEnd(range)) return false;
    const { state } = await this.jsm.streams.info(name);
    return isOver(range, state.last_seq, Date.now());
  }
}

function firstSequence(
  { deliver_policy, opt_start_seq }: Partial<ConsumerConfig>,
  { first_seq, last_seq }: Pick<StreamState, 'first_seq' | 'last_seq'>,
): number {
  if (deliver_policy === DeliverPolicy.New) return last_seq + 1;
  if (deliver_policy === DeliverPolicy.Last) return Math.max(1, last_seq);
  return Math.max(1, first_seq, opt_start_seq ?? 0);
}
