import type { StreamInfo } from '@nats-io/jetstream';
import type { Observed } from './consumer-watch.js';
import { FirstDeliveries } from './first-deliveries.js';
import type { JetStreamMessage } from './message.js';
import { timestampMsOf } from './timestamp.js';

/**
 * Up to when messages were stored of which a durable may deliver some again without saying so: to those before its making, where it may be in the place of another one; to all that were there when its server
 * started, perhaps after a crash that made it forget what it delivered; and where it goes back, as nats-server 2.9 does.
 */
export class Repeats {
  #untilMs = Number.POSITIVE_INFINITY;
  #serverId: string | undefined;
  #firstDeliveries: FirstDeliveries | undefined;

  /** Unix milliseconds, by the clock of the stream. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** Begins with a consumer as it is before anything of it comes here. One of which its server does not know when it last delivered anything stands on a server that has started since. */
  open({ stream, consumer }: Observed, serverId: string | undefined): void {
    this.#serverId = serverId;
    const isKnown = consumer.delivered.last_active !== undefined;
    this.#untilMs = timestampMsOf(isKnown ? consumer.created : stream.state.last_ts);
    this.#firstDeliveries = new FirstDeliveries({
      delivered: consumer.delivered.stream_seq,
      ackPending: consumer.num_ack_pending,
    });
  }

  /** Notes a message that came; once for each delivery. */
  came(message: JetStreamMessage): void {
    if (this.#firstDeliveries?.isAgain(message)) this.#untilMs = Math.max(this.#untilMs, message.timestampMs);
  }

  /** The connection was away. Another server, or the same one after a crash, may have forgotten what was delivered last, and what was acknowledged. */
  reconnected(serverId: string | undefined): void {
    if (serverId !== this.#serverId) this.#untilMs = Number.POSITIVE_INFINITY;
    this.#serverId = serverId;
  }

  /** Takes what a server says of the stream after a reconnect: what is stored from now on was not delivered before. */
  seen({ state }: StreamInfo): void {
    if (this.#untilMs === Number.POSITIVE_INFINITY) this.#untilMs = timestampMsOf(state.last_ts);
  }
}
