import type { JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { InvalidArgumentError, type Msg, type NatsConnection, nuid } from '@nats-io/nats-core';
import { ConnectorError, type Position } from '../../contract.js';
import { within } from '../../within.js';
import { apiCodes, closedWhileOpening, connectorError, hasCode } from '../errors.js';
import { managerOf } from '../jetstream-manager.js';
import { incarnationSince } from '../read-position.js';
import { timestampMsOf } from '../timestamp.js';
import type { DeliveryStanding } from './delivery-standing.js';
import { EphemeralConsumer } from './ephemeral-consumer.js';
import { filtersIn } from './mirror-origin.js';
import { goOn, removedRemark, type StartingPoint, type StreamFacts, startingPoint } from './starting-point.js';
import type { StreamView } from './stream-view.js';

/** The server takes names of 255 characters, some of which make this one unique. */
const consumerNameMax = 200;
/** Asked for in one pull at most. */
const pullMax = 1000;
/** How long the server may take to answer. */
const apiTimeoutMs = 3000;
/** How often it is asked at most whether messages were removed before they were read. */
const gapIntervalMs = 1000;
/** What the end of a reader waits for a server that is away. */
const deleteTimeoutMs = 1000;

export interface FeedEvents {
  /** The next message, in the order of the stream. */
  onMessage(message: Msg, standing: DeliveryStanding): void;
  /** Nothing comes before it is asked for again. */
  onUnserved(): void;
  onFailed(error: ConnectorError): void;
  /** Something was missed, or is read again: what, for people. */
  onRemark(remark: string): void;
}

export interface StreamFeedOptions {
  readonly nc: NatsConnection;
  readonly view: StreamView;
  /** Of the connection. */
  readonly name: string;
  readonly events: FeedEvents;
}

/**
 * The messages of a stream, in its order and as they are asked for. The consumer that they come from is made again, after the last message that came, whenever it
 * is gone; a stream that is not the same any more is a failure.
 */
export class StreamFeed {
  #incarnation: string | undefined;
  #consumer: EphemeralConsumer | undefined;
  /** The consumer is asked for messages: not before everything stands, nor while another one is made. */
  #flowing = false;
  /** Why the consumer is of no use any more, where it ended before messages were asked for. */
  #endedEarly: string | undefined;
  #ended = false;
  #newest = 0;
  #currentUntil = 0;
  #standingMs = Number.POSITIVE_INFINITY;
  #explaining = false;
  #gapTimer: NodeJS.Timeout | undefined;

  constructor(readonly options: StreamFeedOptions) {}

  /** Tells the stream from one of the same name made before or after. */
  get incarnation(): string | undefined {
    return this.#incarnation;
  }

  /** Up to this sequence only the newest message of each subject comes. */
  get currentUntil(): number {
    return this.#currentUntil;
  }

  /** When the newest message was stored that the stream held when this began, in Unix milliseconds. */
  get standingMs(): number {
    return this.#standingMs;
  }

  /** Begins behind the position, or where the definition says. Gives the sequence behind which messages will come. */
  async open(position: Position | undefined): Promise<number> {
    const { view, events } = this.options;
    const jsm = await this.#manager();
    const info = await this.#info(jsm);
    const stream = factsOf(info, position?.incarnation, position?.savedMs);
    if (this.#ended) throw closedWhileOpening();
    const start = startingPoint(view, stream, position);
    this.#incarnation = stream.incarnation;
    this.#standingMs = stream.lastStoredMs;
    this.#currentUntil = start.currentUntil;
    this.#consumer = await this.#create(jsm, info.config, start);
    if (this.#ended) {
      await this.close();
      throw closedWhileOpening();
    }
    this.#newest = start.after ?? this.#consumer.created.delivered.stream_seq;
    if (start.remark !== undefined) events.onRemark(start.remark);
    return this.#newest;
  }

  /** From now on messages may be asked for. */
  start(): void {
    this.#flowing = true;
    if (this.#endedEarly !== undefined) void this.#renew(this.#endedEarly);
  }

  /** Asks for what there is room for beside what was asked for already, in pulls that are worth it. */
  request(room: number): void {
    const consumer = this.#consumer;
    if (!consumer || !this.#flowing || this.#ended) return;
    const { requested } = consumer;
    const { unsettledMax } = this.options.view;
    const more = room - requested;
    if (more <= 0 || requested > Math.min(pullMax, unsettledMax) / 2) return;
    if (requested > 0 && more < unsettledMax / 4) return;
    consumer.request(Math.min(more, pullMax));
  }

  info(): ReturnType<EphemeralConsumer['info']> | undefined {
    return this.#consumer?.info();
  }

  /** Nothing comes any more. */
  stop(): void {
    this.#ended = true;
    this.#consumer?.stop();
    clearTimeout(this.#gapTimer);
  }

  /** The same, and nothing stays on the server. */
  async close(): Promise<void> {
    this.stop();
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (consumer) await within(deleteTimeoutMs, consumer.delete());
  }

  #receive(message: Msg, standing: DeliveryStanding): void {
    const { streamSequence } = standing;
    const before = this.#newest;
    // Only where the newest of each subject are read: these came before.
    if (streamSequence <= before) {
      this.options.events.onUnserved();
      return;
    }
    this.#newest = streamSequence;
    this.options.events.onMessage(message, standing);
    if (streamSequence !== before + 1) this.#noteGap(before, streamSequence);
  }

  #manager(): Promise<JetStreamManager> {
    return managerOf(this.options.nc, { timeout: apiTimeoutMs });
  }

  async #info(jsm: JetStreamManager): Promise<StreamInfo> {
    const { stream, what, remedy, ackWaitMs } = this.options.view;
    try {
      const info = await jsm.streams.info(stream);
      if (info.config.retention === 'workqueue') {
        const reason = `${what} is a work queue, whose messages are taken by acknowledgement: only a durable consumer can read it`;
        throw new ConnectorError('failed', reason);
      }
      if (info.config.retention === 'interest' && ackWaitMs !== undefined) {
        const reason = `${what} keeps messages by interest: what was handed over and not done is gone with its reader, and nothing is kept while nobody reads; only a durable consumer can read it without loss`;
        throw new ConnectorError('failed', reason);
      }
      return info;
    } catch (error) {
      if (!hasCode(error, apiCodes.streamNotFound)) throw error;
      throw new ConnectorError('blocked', `${what} does not exist; ${remedy}`, { cause: error });
    }
  }

  async #create(
    jsm: JetStreamManager,
    streamConfig: StreamConfig,
    { config }: Pick<StartingPoint, 'config'>,
  ): Promise<EphemeralConsumer> {
    const { nc, name, view, events } = this.options;
    // The reader of a pipeline's own has a dot in its name.
    const { stream, what, consumerName = `laminar-${name.replaceAll('.', '-')}` } = view;
    const filters = await filtersIn(jsm, streamConfig, view);
    const [only, another] = filters;
    const filter =
      another !== undefined ? { filter_subjects: [...filters] } : only !== undefined ? { filter_subject: only } : {};
    const unique = `${consumerName.slice(0, consumerNameMax)}-${nuid.next()}`;
    const wanted = { name: unique, description: `of the connection ${name}`, ...filter, ...config };
    try {
      return await EphemeralConsumer.create(nc, jsm, stream, wanted, {
        onMessage: (message, standing) => this.#receive(message, standing),
        onUnserved: () => events.onUnserved(),
        onEnd: (reason) => void this.#renew(reason),
        onRefused: (error) => events.onFailed(connectorError(`reading ${what}`, error)),
      });
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const reason = `${error.message}; the server at ${nc.getServer()} is ${nc.info?.version}`;
      throw new ConnectorError('failed', reason, { cause: error });
    }
  }

  /** Another consumer takes over after what came, in the same stream. */
  async #renew(reason: string): Promise<void> {
    const { nc, view, events } = this.options;
    if (this.#ended || nc.isClosed()) return;
    if (!this.#flowing) {
      this.#endedEarly = reason;
      return;
    }
    this.#flowing = false;
    const { what } = view;
    try {
      void this.#consumer?.delete();
      const jsm = await this.#manager();
      const info = await this.#info(jsm);
      const facts = factsOf(info, this.#incarnation);
      const newest = this.#newest;
      if (facts.incarnation !== this.#incarnation)
        throw new ConnectorError('blocked', `${what} was deleted and made again`);
      if (facts.lastSequence < newest)
        throw new ConnectorError('blocked', `${what} ends at ${facts.lastSequence}, before ${newest}, which was read`);
      const removed = removedRemark(view, newest, facts);
      if (removed !== undefined) events.onRemark(removed);
      this.#consumer = await this.#create(jsm, info.config, goOn(newest, this.#currentUntil, undefined));
      this.#flowing = true;
      // Stopped in the meantime: nobody would close what came after.
      if (this.#ended) await this.#consumer.delete();
      else events.onUnserved();
    } catch (error) {
      events.onFailed(connectorError(`reading ${what} again (${reason})`, error));
    }
  }

  /** What is missing between two messages was removed, or is of other subjects: that the stream tells, which is asked of it from time to time only. */
  #noteGap(after: number, before: number): void {
    if (this.options.view.start.from === 'current' || this.#explaining) return;
    this.#explaining = true;
    void this.#explainGap(after, before);
    this.#gapTimer = setTimeout(() => {
      this.#explaining = false;
    }, gapIntervalMs);
  }

  async #explainGap(after: number, before: number): Promise<void> {
    const { view, events } = this.options;
    try {
      const facts = factsOf(await this.#info(await this.#manager()), this.#incarnation);
      // Where the stream has moved on past both, nobody can tell any more what was between them.
      const firstSequence = view.filters.length === 0 ? before : facts.firstSequence;
      const removed = firstSequence > before ? undefined : removedRemark(view, after, { firstSequence });
      if (removed !== undefined && !this.#ended) events.onRemark(removed);
    } catch {
      // A stream that cannot be asked ends the consumer too, which says why.
    }
  }
}

/** The facts, and when the newest message was stored, in Unix milliseconds. */
function factsOf(
  stream: StreamInfo,
  known: string | undefined,
  seenMs?: number,
): StreamFacts & { readonly lastStoredMs: number } {
  const { state } = stream;
  return {
    incarnation: incarnationSince(known, stream, { seenMs }),
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    lastStoredMs: timestampMsOf(state.last_ts),
  };
}
