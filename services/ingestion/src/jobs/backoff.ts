import { ConnectorError } from '@laminar/connectors';
import type { ResolvedConnection } from '@laminar/definitions';

/** Someone has to change something before it makes sense to try again. */
export class Halted extends ConnectorError {
  constructor(message: string) {
    super('failed', message);
  }
}

/** Nobody knew that it could happen: it may pass, like a lost answer, or be a fault of this program that comes again with each attempt. */
export class Unexpected extends ConnectorError {
  constructor(error: unknown) {
    super('failed', `unexpected: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Whatever was thrown, as an error that says what to do about it. */
export const asConnectorError = (error: unknown): ConnectorError =>
  error instanceof ConnectorError ? error : new Unexpected(error);

/** A connection that used up its attempts, or cannot come right soon, is tried afresh that often, and a part of it later: those that failed together do not come together. */
const failedRetryMs = 30_000;
const failedJitter = 0.1;
const blockedRetryMsMin = 250;
const blockedRetryMsMax = 5000;
/** What has worked for so long works: before that it may have failed for the same reason as the time before. */
const steadyMs = 10_000;
/** An unexpected error so long after the one before it is the first again. That it works in between says little: it may come of a message that comes again, too. */
const unexpectedMemoryMs = 60_000;

export interface Retry {
  readonly state: 'blocked' | 'failed';
  /** Undefined: not before somebody changes something. */
  readonly delayMs: number | undefined;
}

/** How long a connection waits before it is tried again, after how many failures in a row. */
export class Backoff {
  #dials = 0;
  #failures = 0;
  #worksSinceMs = Number.POSITIVE_INFINITY;
  #unexpected = 0;
  #unexpectedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly resolved: ResolvedConnection,
    readonly random: () => number,
    /** Monotonic milliseconds. */
    readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** It works from now on: where it does so for a while, the next failure is the first again. */
  works(): void {
    this.#dials = 0;
    this.#worksSinceMs = this.nowMs();
  }

  /** No server could be reached: the definition's own numbers say how often and how long. */
  afterDial(): Retry {
    const { maxReconnects, reconnectWaitMs, reconnectJitterMs } = this.resolved;
    this.#dials++;
    if (maxReconnects >= 0 && this.#dials > maxReconnects) {
      this.#dials = 0;
      return this.#failed();
    }
    return { state: 'blocked', delayMs: reconnectWaitMs + this.random() * reconnectJitterMs };
  }

  /** The servers answer, but something is not there or not allowed. */
  after(error: ConnectorError): Retry {
    if (this.nowMs() - this.#worksSinceMs >= steadyMs) this.#failures = 0;
    this.#worksSinceMs = Number.POSITIVE_INFINITY;
    if (error instanceof Halted) return { state: 'failed', delayMs: undefined };
    if (error instanceof Unexpected) return this.#afterUnexpected();
    if (error.steer === 'failed') return this.#failed();
    return this.#blocked(Math.min(blockedRetryMsMin * 2 ** this.#failures++, blockedRetryMsMax));
  }

  #afterUnexpected(): Retry {
    const nowMs = this.nowMs();
    if (nowMs - this.#unexpectedAtMs > unexpectedMemoryMs) this.#unexpected = 0;
    this.#unexpectedAtMs = nowMs;
    const delayMs = blockedRetryMsMin * 2 ** this.#unexpected++;
    return delayMs < failedRetryMs ? this.#blocked(delayMs) : this.#failed();
  }

  #blocked(delayMs: number): Retry {
    return { state: 'blocked', delayMs: (delayMs / 2) * (1 + this.random()) };
  }

  #failed(): Retry {
    return { state: 'failed', delayMs: failedRetryMs * (1 + failedJitter * this.random()) };
  }
}
