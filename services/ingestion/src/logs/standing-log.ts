import type { ConnectionLog, LogLevel } from '@laminar/connectors';
import { currentTraceparent } from '../delivery/apply-trace.js';
import type { Cause } from '../desired/slot.js';

/** States that need attention; others are as they should be. */
const levels: { readonly [state: string]: LogLevel } = {
  reconnecting: 'warn',
  blocked: 'warn',
  failed: 'error',
};

/** Says how a connection stands whenever that changes; up to its first good state as a part of the trace of what defined it. */
export class StandingLog {
  #settled = false;
  #last = '';

  constructor(
    readonly log: ConnectionLog,
    readonly cause: Cause,
  ) {}

  /** `message` says why, or what is odd about a good state; it must not quote messages. */
  stands(state: string, message: string): void {
    const text = message === '' ? state : `${state}: ${message}`;
    if (text === this.#last) return;
    this.#last = text;
    const level = levels[state] ?? 'info';
    const isOdd = level === 'info' && message !== '';
    const traceparent = this.#settled ? undefined : currentTraceparent(this.cause);
    this.log.write(isOdd ? 'warn' : level, text, () => ({ traceparent }));
    if (level === 'info') this.#settled = true;
  }
}
