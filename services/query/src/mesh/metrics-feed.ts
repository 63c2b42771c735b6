import { followStream } from '@laminar/event-store';
import { metricsStream, streams } from '@laminar/protocol';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { openStream } from './open-stream.js';

/** Messages asked for ahead of their processing. */
const prefetchMax = 1000;

export interface MetricsFeedOptions {
  readonly nc: NatsConnection;
  readonly replicas: number;
  /** Told of each instance's last message, and of every later one. Must not throw. */
  onMessage(subject: string, data: Uint8Array): void;
}

export interface MetricsFeed {
  /** Resolves when every message that the stream held at the start has been handed over. */
  readonly caughtUp: Promise<void>;
  close(): Promise<void>;
}

/** Follows the stream that keeps the last metrics message of each part of each instance; makes it where it is missing. */
export async function followMetrics({ nc, replicas, onMessage }: MetricsFeedOptions): Promise<MetricsFeed> {
  const { state } = await openStream(await jetstreamManager(nc), metricsStream(replicas));
  let reached: () => void = () => undefined;
  const caughtUp =
    state.messages === 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
          reached = resolve;
        });
  const following = await followStream({
    nc,
    stream: streams.metrics,
    prefetch: prefetchMax,
    onMessage(message) {
      onMessage(message.subject, message.data);
      // A message that is replaced before it was read is never delivered, but what replaces it comes later still.
      if (message.seq >= state.last_seq || message.info.pending === 0) reached();
    },
  });
  return { caughtUp, close: () => following.close() };
}
