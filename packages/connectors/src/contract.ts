import type { Message } from '@laminar/codecs';
import type { HeaderBlock } from './header-block.js';

/**
 * Messages that a reader hands over together, with the means to settle them. Each message is settled
 * exactly once, by index; settling is free of promises so that it costs nothing on the hot path.
 * A reader without acknowledgements (core) ignores all of it.
 */
export interface Batch {
  readonly messages: readonly Message[];
  /** Done by every pipeline, outputs confirmed. */
  ack(index: number): void;
  /** To be delivered again after `delayMs`. */
  nak(index: number, delayMs: number): void;
  /** Never to be delivered again. */
  term(index: number): void;
  /** Still being worked on: puts off redelivery by another `ack_wait`. */
  working(index: number): void;
}

/**
 * Where a connection gets the values of secrets from: as they are at this moment, each time it connects. `problem` says where the secret was
 * looked for and not found.
 */
export interface SecretSource {
  find(name: string): { readonly value: string } | { readonly problem: string };
}

/**
 * Where a connection gets the files that its definition names from: only those that definitions may name. Throws with the reason where one cannot
 * be had, which may come right.
 */
export interface FileSource {
  read(path: string, bytesMax: number): Promise<Uint8Array>;
}

/** What becomes of an open socket. */
export type ConnectionState =
  | { readonly state: 'connected' }
  | { readonly state: 'reconnecting'; readonly reason: string }
  /** It does not come back by itself. */
  | { readonly state: 'closed'; readonly error: ConnectorError };

/** How far a stream was read. */
export interface Position {
  /** What is read, by its stream and what of it; a position of something else says nothing. */
  readonly source: string;
  /** Of the stream: tells it from one of the same name made before or after. */
  readonly incarnation: string;
  /** The highest stream sequence up to which everything is settled. */
  readonly sequence: number;
  /** Up to this sequence only the newest message of each subject is wanted; 0 where all are. */
  readonly currentUntil: number;
  /** When it was saved, in Unix milliseconds by the clock of who keeps it; undefined where that is not known. */
  readonly savedMs?: number;
}

/** Keeps the position of one reader at a time: who has loaded and saved last is the one, and refuses those before. */
export interface PositionStore {
  /** Where the reader before left off; undefined where there was none. */
  load(): Promise<Position | undefined>;
  /** Throws `PositionTaken` where another reader has saved since; any other error may pass. */
  save(position: Position): Promise<void>;
}

/**
 * Reads one slot of a source connection. `read` resolves with the next batch (never empty), or with
 * undefined after `stop`. It must not be called again before the last call resolved. Back-pressure is
 * simply not calling: a JetStream reader then stops pulling, a core reader drops beyond its pending limit
 * and counts the drops. Readers hold no policy:
 * what they cannot mend, `read` throws as a `ConnectorError`.
 */
export interface Reader {
  /** Resolves when the subscription is flushed or the consumer stands: from then on no message is missed. Throws `ConnectorError`. */
  open(): Promise<void>;
  read(): Promise<Batch | undefined>;
  /** Puts off the redelivery of what was received a third of the acknowledgement's time ago and is not handed over yet; core has none. */
  keepAlive(): void;
  /** Stops pulling; batches that were handed over may still be settled. Pending `read` calls resolve with undefined once what was received is handed over. Idempotent. */
  stop(): Promise<void>;
  /** Lets go of what `open` made on the client side. Server-side durables stay. Idempotent. */
  close(): Promise<void>;
  readonly counters: ReaderCounters;
  /**
   * Messages that were stored until then, in Unix milliseconds by the clock of the stream's server, may have been handed over before, by whatever reader, although they
   * say that they come for the first time. `-Infinity` where none may, `Infinity` while that is not known.
   */
  readonly repeatsUntilMs: number;
  /** Tells the stream that is read from one of the same name made before or after; undefined for core. */
  readonly sourceIncarnation: string | undefined;
  /** The consumer as the server reports it; undefined for core. */
  consumerInfo(): Promise<ConsumerSnapshot | undefined>;
}

/**
 * Reads along with a source connection and takes part in nothing: no message that it reads is missed by a reader of the connection, nothing is acknowledged, and nothing
 * is counted. It ends with the first thing that goes wrong.
 */
export interface Tap {
  /** Resolves when the subscription is flushed or the consumer stands: from then on no message is missed. Throws `ConnectorError`. */
  open(): Promise<void>;
  /** The next messages, never none; undefined after `close`, and at the end of the range. Not called again before the last call resolved. Throws `ConnectorError`. */
  read(): Promise<readonly Message[] | undefined>;
  /** Removes what `open` made, on the server too. Idempotent. */
  close(): Promise<void>;
}

/** The part of a stream that is wanted, both ends included; undefined where nothing bounds it. Times are microseconds since 1970. */
export interface TapRange {
  readonly fromSequence: number | undefined;
  readonly toSequence: number | undefined;
  readonly fromMicros: number | undefined;
  readonly toMicros: number | undefined;
}

/** Plain numbers, written by the reader and read once a second. */
export interface ReaderCounters {
  messages: number;
  bytes: number;
  dropped: number;
}

export interface ConsumerSnapshot {
  readonly stream: string;
  readonly consumer: string;
  readonly pending: number;
  readonly ackPending: number;
  readonly redelivered: number;
  readonly waitingPulls: number;
  readonly lastDelivered: number;
}

/** What a caller does about an error of a connection, reader or sink. */
export type Steer =
  /** Something is not there yet: say so, try again with back-off. */
  | 'blocked'
  /** It does not come right soon: say so, try again much later. */
  | 'failed';

/** An error that says what to do about it, and to its reader what, where and why. */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  constructor(
    readonly steer: Steer,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What a connection needs before it asks any server is not there, such as a secret; it is looked for again soon. */
export class Unprepared extends ConnectorError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('blocked', message, options);
  }
}

/** Connections of this kind cannot be read along with. */
export class Untappable extends ConnectorError {
  constructor(message: string) {
    super('failed', message);
  }
}

/** The connection's own permissions do not allow what it would do. No server was asked, and none can mend it. */
export class NotPermitted extends ConnectorError {
  constructor(message: string) {
    super('failed', message);
  }
}

/** Messages come faster than they are taken, and none of them may be left out in silence. */
export class Overrun extends ConnectorError {
  constructor(message: string) {
    super('failed', message);
  }
}

/** Another reader has moved the position on: this one must end, since what it has done by now the other does again. */
export class PositionTaken extends ConnectorError {
  constructor(message: string) {
    super('blocked', message);
  }
}

/** One message to publish. */
export interface OutputMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: HeaderBlock;
}

/**
 * What became of a message: without an error it is confirmed, `wasThere` where the output held it before, as its server says or a look has shown.
 */
export type Settle = (error?: ConnectorError, wasThere?: boolean) => void;

/** Publishes messages, in the order of the calls. */
export interface Sink {
  /** Resolves when it can publish. */
  open(): Promise<void>;
  /**
   * Takes a message; `settled` is called once, later, never within the call: without an error when the output is confirmed
   * (JetStream: its PubAck; core: the flush that follows), or with the error when it is given up. Retries, with the same bytes
   * and message id, are the sink's own affair. `publisher` is who may withdraw it. Throws a `ConnectorError` for a message that can never be published, such as one that is too large.
   */
  publish(message: OutputMessage, settled?: Settle, publisher?: object): void;
  /**
   * Gives up what this publisher has published and is not settled: what was sent may be stored all the same, what was not is never sent. Undefined where
   * nothing is held back.
   */
  withdraw?(publisher: object): void;
  /** Resolves when the sink can take more, which is the only back-pressure; undefined means now. */
  ready(): Promise<void> | undefined;
  /** Asks that what was published be confirmed soon. */
  flush(): void;
  /** Resolves when everything that was published until now is confirmed or given up. */
  confirmed(): Promise<void>;
  /** Why nothing gets confirmed at the moment; undefined when all is well. */
  readonly problem: string | undefined;
  /** What its output holds; undefined where nothing is kept that could be looked at. */
  readonly history?: OutputHistory | undefined;
  /** Resolves when what was published is confirmed or given up, at the latest after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * Reads what the streams hold that a sink publishes to, whoever wrote it, and leaves it as it is. What was taken out of them by then, by their limits or by whoever
 * takes from them, is not seen. Errors steer: `blocked` may come right, `failed` says that the output cannot be read.
 */
export interface OutputHistory {
  /** The stream that takes this subject; undefined where none does. Throws `ConnectorError`. */
  streamOf(subject: string): Promise<string | undefined>;
  /** How long a stream itself refuses a message whose id it has seen; 0 where it is gone. Throws `ConnectorError`. */
  duplicateWindowMs(stream: string): Promise<number>;
  /**
   * Hands over what a part of a stream holds, in order, up to the stream's end as it is now. Where that was to go on at a place of which the stream knows nothing any more, `onAnew` is called
   * before anything is handed over. Throws `ConnectorError`.
   */
  read(part: HistoryPart, onStored: (stored: StoredOutput) => void, onAnew?: () => void): Promise<HistoryEnd>;
}

export interface HistoryPart {
  readonly stream: string;
  /** Messages of this subject alone; undefined for all. */
  readonly subject: string | undefined;
  /** Stored at that time or later, in Unix milliseconds by the clock of the stream's server. */
  readonly sinceMs: number;
  /** Where a read of the same part ended: only what was stored since is handed over, unless the stream was made anew, or nothing is left in it of what it held then. */
  readonly goOn?: HistoryPlace | undefined;
}

/** Before which everything was handed over. */
export interface HistoryPlace {
  /** Tells the stream from one of the same name; undefined where there was none. */
  readonly incarnation: string | undefined;
  readonly sequence: number;
}

/** A message of an output. */
export interface StoredOutput {
  header(name: string): string | undefined;
}

export interface HistoryEnd {
  /** Where to go on. */
  readonly next: HistoryPlace;
  /** How long the stream itself refuses a message whose id it has seen. */
  readonly duplicateWindowMs: number;
}

/** What a pipeline knows that begins, or goes on, to write a stream alone. */
export interface Beginning {
  /** Behind which its source was read before, so that what is in the stream since is its own; undefined where it was not. */
  readonly kept: Position | undefined;
  /** When the pipeline was created, in Unix milliseconds; what others wrote before does not matter. */
  readonly createdAtMs: number;
  /** Whether it gave the same rows at that revision of its definition as it gives now. May reject, with what has to be waited for. */
  gaveSameRows(revision: number): Promise<boolean>;
}

/** Writes to a stream of which a pipeline is the only writer. */
export interface SoleWriting {
  readonly sink: Sink;
  /** Rejects with a `ConnectorError` once nothing can be published by it any more: another instance took over, or somebody else has written. */
  readonly broken: Promise<never>;
  /**
   * Behind what its source is read, by the last row that is stored; undefined where there is none. Called before the first row of each reader. Rows that are stored are not published again.
   * Throws `ConnectorError`.
   */
  resume(beginning: Beginning): Promise<Position | undefined>;
}

/** A message that the server has given up delivering, without anybody having said what became of it. */
export interface Exhausted {
  /** `delivered` is the number of deliveries that it had. Without payload and subject where it cannot be had any more. */
  readonly message: Message;
  /** Tells the stream that holds it from one of the same name made before or after. */
  readonly streamIncarnation: string;
  /** Why it cannot be had; undefined where it is all there. */
  readonly problem: string | undefined;
  /** It is kept elsewhere, and the server may forget it; or it is not, and is told of again later. */
  settle(kept: boolean): void;
}

export interface ExhaustedWatch {
  /** What was told of and not settled is told of again by the next watch. Idempotent. */
  close(): Promise<void>;
}

/** What a connection's socket says of itself. */
export interface ConnectionSnapshot {
  readonly serverUrl: string;
  /** As the server counts them for this socket, those for the answers to requests included; 0 while it is away. */
  readonly subscriptions: number;
  readonly rttMs: number | undefined;
  readonly reconnects: number;
  readonly lastError: string | undefined;
  readonly server: ServerSnapshot | undefined;
}

export interface ServerSnapshot {
  readonly serverId: string;
  readonly serverName: string;
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly cluster: string;
  readonly jetstream: boolean;
  readonly tlsRequired: boolean;
  readonly authRequired: boolean;
  readonly maxPayload: number;
  readonly clientId: number;
}

/** What `provision` found and did, as far as somebody should know of it. */
export interface Provision {
  /** What is not as the definition says, and was left as it is. */
  readonly drift: string | undefined;
  /** What was mended, such as a durable that was gone and was made again. */
  readonly remark: string | undefined;
  /** The durable was not there and begins as the definition says, since nobody knows of a position. */
  readonly isNew: boolean;
}

/** One socket for one definition of a connection. */
export interface Connection {
  /** Connects once; throws `ConnectorError` where no server can be reached. Once open it reconnects by itself and says so by `onState`. */
  open(): Promise<void>;
  /**
   * Creates the stream and the durable consumer where the definition asks for it, and brings a durable that was created so up to date; idempotent. What somebody
   * else made and differs is returned, and left as it is. Throws `ConnectorError`.
   */
  provision(): Promise<Provision>;
  /** The same of the stream alone: a durable that is there stays as it is, and none is made. Throws `ConnectorError`. */
  provisionStream(): Promise<Provision>;
  /**
   * Deletes the durable consumer that `provision` made, and what captures its advisories, or leaves both to another definition that reads by it; what is gone already is
   * fine. Throws `ConnectorError`.
   */
  deprovision(): Promise<void>;
  /** How far the readers of the durable have come that `provision` made; undefined where there is none. Throws `ConnectorError`. */
  standing(): Promise<Position | undefined>;
  /**
   * `positions` is where a reader without a durable goes on; without it reading begins where the definition says, and nothing is kept. A reader of a durable only saves there how
   * far that was seen to have come, now and then and at its end.
   */
  reader(positions?: PositionStore): Reader;
  /**
   * With a range it reads from there instead of where the definition says, except of stores, whose present entries are wanted; what has no past has no range
   * either. Throws `Untappable` where connections of this kind cannot be read along with.
   */
  tap(range?: TapRange): Tap;
  sink(): Sink;
  /** For one pipeline alone, whose message ids begin with `writer`. Throws `ConnectorError` where the definition names no stream. */
  soleWriting(writer: string): SoleWriting;
  /** Publishes on the servers of a source, beside what is read. */
  besides(): Sink;
  /**
   * Tells of each message that runs out of deliveries, once over all readers of the connection, also of those that did while nobody watched as far
   * as the server lets it be known, for which it may have to search long: `signal` ends that. Undefined where deliveries are not counted. Throws `ConnectorError`.
   */
  watchExhausted(onExhausted: (exhausted: Exhausted) => void, signal: AbortSignal): Promise<ExhaustedWatch | undefined>;
  /** Publishes replies to the requests that this source reads, on its own socket. Throws `ConnectorError` where it reads none. */
  responder(): Sink;
  snapshot(): ConnectionSnapshot;
  /** Closes the socket after what was published is flushed. Idempotent. */
  close(): Promise<void>;
}

export interface ConnectionEvents {
  onState(state: ConnectionState): void;
  /** Something happened to what is read that its readers survive, and that somebody should know. */
  onRemark(remark: string): void;
}
