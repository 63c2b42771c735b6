import type { ResolvedConnection } from '@laminar/definitions';
import type { ConnectionOptions } from '@nats-io/nats-core';
import type { DialPace } from './dial-pace.js';

/**
 * When a connection that was lost dials again: after the definition's wait and jitter, counted from the last attempt, when there is a turn. By
 * itself the client dials at once where the last attempt is long ago, and 1,000 connections with it; a server of the list that was never tried is still
 * dialled at once.
 */
export class ReconnectPlan {
  #lastDialMs: number | undefined;
  #nextDialMs: number | undefined;
  #askedMs: number | undefined;

  constructor(
    readonly connection: Pick<ResolvedConnection, 'reconnectWaitMs' | 'reconnectJitterMs'>,
    readonly pace: DialPace,
  ) {}

  /** What the client asks it. */
  get options(): Pick<ConnectionOptions, 'reconnectDelayHandler' | 'reconnectToServer'> {
    return {
      reconnectDelayHandler: () => this.waitMs(Date.now(), Math.random),
      reconnectToServer: () => {
        this.dialled(Date.now());
        // As the client has chosen.
        return null;
      },
    };
  }

  /** The client dials. */
  dialled(nowMs: number): void {
    this.#lastDialMs = nowMs;
    this.#nextDialMs = undefined;
    this.#askedMs = undefined;
  }

  /**
   * Milliseconds from the last attempt to the next; the client asks more than once before it dials, and gets the same answer. It takes both times from the
   * wall clock: where that went back, the next attempt is before the last one, or the client would wait until it is as late again.
   */
  waitMs(nowMs: number, random: () => number): number {
    const { reconnectWaitMs, reconnectJitterMs } = this.connection;
    const waitMs = reconnectWaitMs + Math.floor(random() * (reconnectJitterMs + 1));
    if (this.#lastDialMs === undefined) return waitMs;
    if (this.#askedMs !== undefined && nowMs < this.#askedMs) this.#nextDialMs = undefined;
    this.#askedMs = nowMs;
    const sinceMs = Math.min(nowMs, this.#lastDialMs);
    this.#nextDialMs ??= this.pace.turn(Math.max(nowMs, sinceMs + waitMs), nowMs);
    return this.#nextDialMs - this.#lastDialMs;
  }
}
