import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

/** How often the server says that it is there while it has nothing to deliver. */
const heartbeatMs = 1500;
/** A consumer that says nothing for so long is gone. */
const silenceMaxMs = 5000;
const silenceCheckMs = 1000;

export interface FollowStreamOptions {
  readonly nc: NatsConnection;
  readonly stream: string;
  /** Messages asked for ahead of their processing. */
  readonly prefetch: number;
  /** Every message from the first on, in the order of the stream, each once. Must not throw. */
  onMessage(message: JsMsg): void;
}

export interface StreamFollowing {
  close(): Promise<void>;
}

/**
 * Follows a stream of the bus for ever, by an ordered consumer. That one has no replicas, and stands on one server of a cluster: where it has gone silent it is made anew on another, behind
 * the last message. (The client by itself first asks after the consumer, which nobody answers before that server is back.)
 */
export async function followStream(options: FollowStreamOptions): Promise<StreamFollowing> {
  const following = new Following(options);
  await following.begin();
  return following;
}

class Following implements StreamFollowing {
  #last = 0;
  #heardMs = 0;
  #messages: ConsumerMessages | undefined;
  #watch: NodeJS.Timeout | undefined;
  #renewing = false;
  #closed = false;

  constructor(readonly options: FollowStreamOptions) {}

  async begin(): Promise<void> {
    await this.#consume();
    this.#watch = setInterval(() => void this.#checkSilence(), silenceCheckMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watch);
    await this.#messages?.close();
  }

  async #consume(): Promise<void> {
    const { nc, stream, prefetch } = this.options;
    const consumer = await jetstream(nc).consumers.get(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#last + 1,
    });
    this.#messages = await consumer.consume({
      max_messages: prefetch,
      idle_heartbeat: heartbeatMs,
      callback: (message) => this.#take(message),
    });
    this.#heardMs = performance.now();
    void this.#listen(this.#messages);
  }

  #take(message: JsMsg): void {
    this.#heardMs = performance.now();
    // A consumer that was made anew may repeat what was handed over already.
    if (message.seq <= this.#last) return;
    this.#last = message.seq;
    this.options.onMessage(message);
  }

  async #listen(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) if (type === 'heartbeat') this.#heardMs = performance.now();
  }

  async #checkSilence(): Promise<void> {
    const isSilent = performance.now() - this.#heardMs > silenceMaxMs;
    if (!isSilent || this.#renewing || this.options.nc.isClosed()) return;
    this.#renewing = true;
    const silent = this.#messages;
    try {
      await this.#consume();
      await silent?.close();
      if (this.#closed) await this.#messages?.close();
    } catch {
      // The stream has no leader yet, or the bus is away: it is tried again with the next check.
    } finally {
      this.#renewing = false;
    }
  }
}
