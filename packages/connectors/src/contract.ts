import type { Message } from '@laminar/codecs';

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

export type ReaderState =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected'; readonly serverUrl: string }
  | { readonly state: 'reconnecting'; readonly reason: string }
  /** Something is missing that may still come (a stream, a server); the reader goes on trying. */
  | { readonly state: 'blocked'; readonly reason: string }
  /** Nothing will change without a new definition or the next periodic attempt. */
  | { readonly state: 'failed'; readonly reason: string };

/**
 * Reads one slot of a source connection. `read` resolves with the next batch (never empty), or with
 * undefined after `stop`. It must not be called again before the last call resolved. Back-pressure is
 * simply not calling: a JetStream reader then stops pulling, a core reader drops beyond its pending limit
 * and counts the drops. Readers hold no policy: what they cannot mend they throw as a `ReaderError`.
 */
export interface Reader {
  /** Resolves when the subscription is flushed or the consumer stands: from then on no message is missed. */
  open(): Promise<void>;
  read(): Promise<Batch | undefined>;
  /** Stops pulling; batches that were handed over may still be settled. Pending `read` calls resolve with undefined once what was received is handed over. Idempotent. */
  stop(): Promise<void>;
  /** Lets go of what `open` made on the client side. Server-side durables stay. Idempotent. */
  close(): Promise<void>;
  readonly counters: ReaderCounters;
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

/** What a caller does about a reader's or sink's error. */
export type Steer =
  /** Not there yet: say so, try again with back-off. */
  | 'blocked'
  /** Only a new definition helps. */
  | 'failed'
  /** The connection was lost; it comes back by itself. */
  | 'disconnected';

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

/** One message to publish. */
export interface OutputMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Deduplication id; becomes `Nats-Msg-Id` on a JetStream sink. */
  readonly messageId: string | undefined;
}

/**
 * Publishes rows. Messages go out in the order of the calls.
 */
export interface Sink {
  open(): Promise<void>;
  /**
   * Takes a message; `settled` is called once, later, never within the call: without an error when
   * the output is confirmed (JetStream: the PubAck; core: at the flush that `flush` asks for), or with the error when
   * it is given up (retries with the same id and bytes are the sink's own affair).
   */
  publish(message: OutputMessage, settled: (error?: ConnectorError) => void): void;
  /** Resolves when the sink can take more: the only back-pressure. Undefined means now. */
  ready(): Promise<void> | undefined;
  /** Asks that what was published be confirmed soon. */
  flush(): void;
  close(): Promise<void>;
}

/** What a connection's socket says of itself. */
export interface ConnectionSnapshot {
  readonly serverUrl: string;
  readonly rttMs: number | undefined;
  readonly subscriptions: number;
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
  /** Connects; while the servers are unreachable it keeps trying and says so through `onState`. Rejects when closed meanwhile or the definition can't work. */
  open(): Promise<void>;
  /** Creates the stream and the durable consumer where the definition asks for it; idempotent. Throws `ConnectorError`. */
  provision(): Promise<void>;
  reader(): Reader;
  sink(): Sink;
  snapshot(): ConnectionSnapshot;
  /** Closes the socket after what was published is flushed. Idempotent. */
  close(): Promise<void>;
}

export interface ConnectionEvents {
  onState(state: ReaderState): void;
}
