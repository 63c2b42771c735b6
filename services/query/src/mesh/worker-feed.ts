import { buckets, subjectOfKey } from '@laminar/protocol';
import type { NatsConnection } from '@nats-io/nats-core';
import type { WorkerBoard } from './worker-board.js';

const expiryCheckIntervalMs = 250;
/** Set by KV clients on the message that deletes a key (NATS ADR-8). */
const operationHeader = 'KV-Operation';

export interface WorkerFeedOptions {
  readonly nc: NatsConnection;
  readonly board: WorkerBoard;
  onChange(): void;
  onUnreadable(subject: string, reason: string): void;
}

/**
 * Listens to the heartbeats as they are written to the bucket. Each worker writes once a second, so that this knows all of them after one, and
 * needs no bucket to exist, as it does not before the first worker has started.
 */
export function followWorkers({ nc, board, onChange, onUnreadable }: WorkerFeedOptions): { close(): void } {
  const keyOffset = subjectOfKey(buckets.workers, '').length;
  const subscription = nc.subscribe(subjectOfKey(buckets.workers, '>'), {
    callback(error, message) {
      if (error) return;
      if (message.headers?.has(operationHeader)) {
        if (board.leave(message.subject.slice(keyOffset))) onChange();
        return;
      }
      try {
        board.beat(message.data);
        onChange();
      } catch (unreadable) {
        onUnreadable(message.subject, unreadable instanceof Error ? unreadable.message : String(unreadable));
      }
    },
  });
  const timer = setInterval(() => {
    if (board.expire()) onChange();
  }, expiryCheckIntervalMs);
  return {
    close() {
      clearInterval(timer);
      subscription.unsubscribe();
    },
  };
}
