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
  /** Tells the stream that is read from one of the same name made before or after; undefined for core. */
  readonly sourceIncarnation: string | undefined;
  /** The consumer as the server reports it; undefined for core. */
  consumerInfo(): Promise<ConsumerSnapshot | undefined>;
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

/** One message to publish. */
export interface OutputMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: HeaderBlock;
}

/** Publishes messages, in the order of the calls. */
export interface Sink {
  /** Resolves when it can publish. */
  open(): Promise<void>;
  /**
   * Takes a message; `settled` is called once, later, never within the call: without an error when the output is confirmed
   * (JetStream: its PubAck; core: the flush that follows), or with the error when it is given up. Retries, with the same bytes
   * and message id, are the sink's own affair. Throws a `ConnectorError` for a message that can never be published, such as one that is too large.
   */
  publish(message: OutputMessage, settled?: (error?: ConnectorError) => void): void;
  /** Resolves when the sink can take more, which is the only back-pressure; undefined means now. */
  ready(): Promise<void> | undefined;
  /** Asks that what was published be confirmed soon. */
  flush(): void;
  /** Resolves when everything that was published until now is confirmed or given up. */
  confirmed(): Promise<void>;
  /** Why nothing gets confirmed at the moment; undefined when all is well. */
  readonly problem: string | undefined;
  /** Resolves when what was published is confirmed or given up, at the latest after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** What a connection's socket says of itself. */
export interface ConnectionSnapshot {
  readonly serverUrl: string;
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

/** One socket for one definition of a connection. */
export interface Connection {
  /** Connects once; throws `ConnectorError` where no server can be reached. Once open it reconnects by itself and says so by `onState`. */
  open(): Promise<void>;
  /**
   * Creates the stream and the durable consumer where the definition asks for it, and brings a durable that was created so up to date; idempotent. What somebody
   * else made and differs is returned, and left as it is. Throws `ConnectorError`.
   */
  provision(): Promise<{ readonly drift: string | undefined }>;
  /** Deletes the durable consumer that `provision` made; one that is gone already is fine. Throws `ConnectorError`. */
  deprovision(): Promise<void>;
  reader(): Reader;
  sink(): Sink;
  /** Publishes replies to the requests that this source reads, on its own socket. Throws `ConnectorError` where it reads none. */
  responder(): Sink;
  snapshot(): ConnectionSnapshot;
  /** Closes the socket after what was published is flushed. Idempotent. */
  close(): Promise<void>;
}

export interface ConnectionEvents {
  onState(state: ConnectionState): void;
}
