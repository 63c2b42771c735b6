import { followStream } from '@laminar/event-store';
import { deadLettersStream, readDeadLetter, subjects } from '@laminar/protocol';
import { type JsMsg, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { DeadLetterMessage } from '../projections/dead-letter-table.js';
import { openStream } from './open-stream.js';

/** Messages asked for ahead of their processing. */
const prefetchMax = 500;
/** How often it is looked where the stream begins: it drops what is old without a word. */
const firstIntervalMs = 1000;

export interface DeadLetterFeedOptions {
  readonly nc: NatsConnection;
  readonly replicas: number;
  /** Told of every message of the stream, in its order. Must not throw. */
  onMessage(message: DeadLetterMessage): void;
  /** Told the sequence of the first message that the stream still holds, every second. */
  onFirst(sequence: number): void;
  onUnreadable(subject: string, reason: string): void;
}

export interface DeadLetterFeed {
  /** Resolves when every message that the stream held at the start has been handed over. */
  readonly caughtUp: Promise<void>;
  close(): Promise<void>;
}

/** Follows the stream of dead letters from its beginning; makes it where it is missing. */
export async function followDeadLetters(options: DeadLetterFeedOptions): Promise<DeadLetterFeed> {
  const { nc, replicas, onFirst } = options;
  const jsm = await jetstreamManager(nc);
  const { config, state } = await openStream(jsm, deadLettersStream(replicas));
  let reached: () => void = () => undefined;
  const caughtUp = new Promise<void>((resolve) => {
    reached = resolve;
  });
  if (state.messages === 0) reached();
  const following = await followStream({
    nc,
    stream: config.name,
    prefetch: prefetchMax,
    onMessage(message) {
      take(message, options);
      if (message.seq >= state.last_seq || message.info.pending === 0) reached();
    },
  });
  const timer = setInterval(() => {
    // While the bus is away the stream begins where it did.
    jsm.streams.info(config.name).then(
      ({ state: { first_seq } }) => onFirst(first_seq),
      () => undefined,
    );
  }, firstIntervalMs);
  return {
    caughtUp,
    async close() {
      clearInterval(timer);
      await following.close();
    },
  };
}

function take(message: JsMsg, { onMessage, onUnreadable }: DeadLetterFeedOptions): void {
  const { subject, seq: sequence, data: payload } = message;
  try {
    const letter = readDeadLetter(subject, (name) => message.headers?.get(name) || undefined);
    const id = subject.slice(subjects.deadLetter('').length);
    onMessage({ id, sequence, atMs: message.info.timestampNanos / 1e6, letter, payload });
  } catch (error) {
    onUnreadable(subject, error instanceof Error ? error.message : String(error));
  }
}
