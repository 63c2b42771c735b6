import type { ConnectionLog, LogDetails, LogLevel } from '@laminar/connectors';
import { traceIdOf } from '@laminar/telemetry';
import { LineBudget } from './line-budget.js';
import type { LogPublisher } from './log-publisher.js';

/** Lines a second and connection. What happens has a limit of its own, so that no flood of messages hides it. */
const eventsPerSecond = 50;
const messagesPerSecond = 100;

/** The log of one job of a connection, within its limits. */
export class JobLog implements ConnectionLog {
  readonly #events = new LineBudget(eventsPerSecond, (count) =>
    this.#append('warn', `${grouped(count)} more events in this second`, { attributes: { left_out: count } }),
  );
  readonly #messages = new LineBudget(messagesPerSecond, (count) =>
    this.#append('trace', `${grouped(count)} more messages in this second`, { attributes: { left_out: count } }),
  );

  constructor(
    readonly connection: string,
    readonly publisher: LogPublisher,
  ) {}

  write(level: LogLevel, message: string, details?: () => LogDetails): void {
    const budget = level === 'trace' ? this.#messages : this.#events;
    if (budget.take()) this.#append(level, message, details?.() ?? {});
  }

  #append(level: LogLevel, message: string, { attributes, traceparent }: LogDetails): void {
    const { connection } = this;
    this.publisher.append({ connection, level, message, attributes, traceId: traceIdOf(traceparent) });
  }
}

const grouped = (count: number): string => count.toLocaleString('en-US');
