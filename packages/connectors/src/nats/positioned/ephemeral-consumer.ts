import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  ReplayPolicy,
} from '@nats-io/jetstream';
import { createInbox, type Msg, type NatsConnection, nanos, PermissionViolationError } from '@nats-io/nats-core';
import { isServed, isTooLarge, pullBytesMax } from '../pull-size.js';
import { followStatus } from '../status.js';
import { type DeliveryStanding, parseStanding } from './delivery-standing.js';

/** How long a pull waits at the server. */
const pullExpiresMs = 30_000;
/** How often the server says that a pull which waits is not forgotten. */
const heartbeatMs = 1500;
/** A consumer that says nothing for so long while it should is gone. */
const silenceMaxMs = 5000;
const silenceCheckMs = 1000;
/** The server removes a consumer of which nobody pulls for so long, unless said otherwise. */
const inactiveMs = 60_000;

/** The status of an answer that only says that the server is there. */
const heartbeat = 100;

export interface ConsumerEvents {
  /** In the order of the stream, none left out. */
  onMessage(message: Msg, standing: DeliveryStanding): void;
  /** Fewer messages come than were asked for. */
  onUnserved(): void;
  /** It is of no use any more, for the reason given; what it had not delivered yet has to be asked of another. */
  onEnd(reason: string): void;
  /** The server does not allow it. */
  onRefused(error: PermissionViolationError): void;
}

/** One consumer of one reader that the server forgets with it: messages come as they are asked for, in order, and are not acknowledged. */
export class EphemeralConsumer {
  /** Messages that were asked for and have not come. */
  #requested = 0;
  #delivered = 0;
  #heardMs = 0;
  #ended = false;
  #away = false;
  #pulls = 0;
  /** The next message may be larger than what a pull brings, and is asked for without that limit. */
  #alone = false;
  readonly #inbox = createInbox();
  #release: (() => void)[] = [];

  private constructor(
    readonly nc: NatsConnection,
    readonly jsm: JetStreamManager,
    readonly created: ConsumerInfo,
    readonly events: ConsumerEvents,
  ) {}

  /** Creates it. Throws what the client throws. */
  static async create(
    nc: NatsConnection,
    jsm: JetStreamManager,
    stream: string,
    config: Pick<ConsumerConfig, 'name'> & Partial<ConsumerConfig>,
    events: ConsumerEvents,
  ): Promise<EphemeralConsumer> {
    const created = await jsm.consumers.add(stream, {
      inactive_threshold: nanos(inactiveMs),
      ...config,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      mem_storage: true,
      num_replicas: 1,
    });
    const consumer = new EphemeralConsumer(nc, jsm, created, events);
    consumer.#listen();
    return consumer;
  }

  get name(): string {
    return this.created.name;
  }

  /** Messages that were asked for and have not come. */
  get requested(): number {
    return this.#requested;
  }

  /** Asks for so many more at most. */
  request(count: number): void {
    if (this.#ended || this.nc.isClosed()) return;
    if (this.#requested === 0) this.#heardMs = performance.now();
    const { stream_name, name } = this.created;
    const size = this.#alone ? { batch: 1 } : { batch: count, max_bytes: pullBytesMax };
    this.#alone = false;
    this.#requested += size.batch;
    const pull = { ...size, expires: nanos(pullExpiresMs), idle_heartbeat: nanos(heartbeatMs) };
    this.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream_name}.${name}`, JSON.stringify(pull), {
      reply: `${this.#inbox}.${this.#pulls++}`,
    });
  }

  info(): Promise<ConsumerInfo> {
    return this.jsm.consumers.info(this.created.stream_name, this.name);
  }

  /** Nothing comes any more. */
  stop(): void {
    this.#ended = true;
    for (const release of this.#release.splice(0)) release();
  }

  /** The same, and the server is told so. */
  async delete(): Promise<void> {
    this.stop();
    // Without it the server finds out by itself.
    if (!this.nc.isClosed())
      await this.jsm.consumers.delete(this.created.stream_name, this.name).catch(() => undefined);
  }

  #listen(): void {
    const subscription = this.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error instanceof PermissionViolationError) this.events.onRefused(error);
        else if (error) this.#end(error.message);
        else this.#take(message);
      },
    });
    const watch = setInterval(() => this.#checkSilence(), silenceCheckMs);
    const unfollow = followStatus(this.nc, (status) => {
      if (status.type === 'disconnect') this.#away = true;
      // What was asked for before does not come any more.
      if (status.type === 'reconnect') this.#end('the connection was lost for a while');
      if (status.type === 'close') this.#end('the connection was closed');
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) return;
      const { stream_name, name } = this.created;
      if (status.error.subject.includes(`.${stream_name}.${name}`)) this.events.onRefused(status.error);
    });
    this.#release = [() => subscription.unsubscribe(), () => clearInterval(watch), unfollow];
  }

  #take(message: Msg): void {
    if (this.#ended) return;
    this.#heardMs = performance.now();
    // A message comes under its own subject, what the server says of a pull under the pull's.
    if (message.subject.startsWith(this.#inbox)) {
      this.#takeStatus(message);
      return;
    }
    const standing = parseStanding(message.reply);
    if (standing === undefined) return;
    if (standing.deliverySequence !== this.#delivered + 1) {
      this.#end(`delivery ${this.#delivered + 1} was lost on the way`);
      return;
    }
    this.#delivered++;
    this.#requested--;
    this.events.onMessage(message, standing);
  }

  #takeStatus({ headers }: Msg): void {
    const code = headers?.code ?? 0;
    const description = headers?.description ?? '';
    // A server that shuts down answers no more: the reconnect tells when it makes sense to ask again, or else the silence.
    if (code === heartbeat || description === 'Server Shutdown' || isServed(description)) return;
    const unserved = Number(headers?.get('Nats-Pending-Messages') || Number.NaN);
    const tooLarge = isTooLarge(code, description);
    if (tooLarge) this.#alone = true;
    // The pull has expired, or a limit ended it: the rest is asked for anew.
    if ((code === 408 || code === 404 || tooLarge) && unserved >= 0) {
      this.#requested -= unserved;
      this.events.onUnserved();
    } else this.#end(description || `the server answered ${code}`);
  }

  #checkSilence(): void {
    if (this.#away || this.#requested === 0 || this.nc.isClosed()) return;
    if (performance.now() - this.#heardMs > silenceMaxMs) this.#end('it does not answer');
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.stop();
    this.events.onEnd(reason);
  }
}
