import { subjects } from '@laminar/protocol';
import type { NatsConnection } from '@nats-io/nats-core';
import { logRows } from '../logs/log-rows.js';
import type { LogStore } from '../logs/log-store.js';

/** What comes within that time is written in one transaction. */
const flushDelayMs = 250;
/** Rows that wait for a file that cannot be written at most; beyond it the oldest are lost. */
const waitingMax = 20_000;

export interface LogFeedOptions {
  readonly nc: NatsConnection;
  readonly store: LogStore;
  /** The rows are kept for the next attempt. */
  onError(error: unknown): void;
  onUnreadable(subject: string, reason: string): void;
}

/** Listens to what connections say that they do, and stores it. */
export function followLogs({ nc, store, onError, onUnreadable }: LogFeedOptions): { close(): void } {
  let waiting: ReturnType<typeof logRows> = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    try {
      store.add(waiting);
      waiting = [];
    } catch (error) {
      onError(error);
      waiting = waiting.slice(-waitingMax);
      timer = setTimeout(flush, flushDelayMs * 4);
    }
  };
  const subscription = nc.subscribe(subjects.everyLog, {
    callback(error, message) {
      if (error) return;
      try {
        waiting.push(...logRows(message.data));
        timer ??= setTimeout(flush, flushDelayMs);
      } catch (unreadable) {
        onUnreadable(message.subject, unreadable instanceof Error ? unreadable.message : String(unreadable));
      }
    },
  });
  return {
    close() {
      subscription.unsubscribe();
      clearTimeout(timer);
      if (waiting.length > 0) flush();
      clearTimeout(timer);
    },
  };
}
