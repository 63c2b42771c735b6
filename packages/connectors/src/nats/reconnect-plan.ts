import type { ResolvedConnection } from '@laminar/definitions';
import type { ConnectionOptions } from '@nats-io/nats-core';

/**
 * When and where a connection that was lost dials again: after the definition's wait and jitter, counted from the last attempt at a server, and of the servers the one whose
 * last attempt is longest ago. That is another one than was lost where there is one, since a host that is gone answers nobody.
 */
export class ReconnectPlan {
  #lastDialMs = 0;
  #waitMs: number | undefined;

  constructor(readonly connection: Pick<ResolvedConnection, 'reconnectWaitMs' | 'reconnectJitterMs'>) {}

  /** What the client asks it. */
  get options(): Required<Pick<ConnectionOptions, 'reconnectDelayHandler' | 'reconnectToServer'>> {
    return {
      reconnectDelayHandler: () => this.waitMs(Date.now(), Math.random),
      reconnectToServer: (servers) =>
        servers.reduce((longest, server) => (server.lastConnect < longest.lastConnect ? server : longest)),
    };
  }

  /** The client dials; at `atMs` of the wall clock, as everything here. */
  dialled(atMs: number): void {
    this.#lastDialMs = atMs;
    this.#waitMs = undefined;
  }

  /**
   * Milliseconds from the last attempt to the next; the client asks more than once before it dials, and gets the same answer. It takes the time since then from the
   * wall clock: where that went back, the next attempt is due, or the client would wait until it is as late again.
   */
  waitMs(nowMs: number, random: () => number): number {
    const sinceMs = nowMs - this.#lastDialMs;
    if (sinceMs < 0) return sinceMs;
    const { reconnectWaitMs, reconnectJitterMs } = this.connection;
    this.#waitMs ??= reconnectWaitMs + Math.floor(random() * (reconnectJitterMs + 1));
    return this.#waitMs;
  }
}
