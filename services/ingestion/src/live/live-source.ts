import type { Message } from '@laminar/codecs';
import {
  type Connection,
  createConnection,
  type SecretSource,
  type Tap,
  type TapRange,
  within,
} from '@laminar/connectors';
import type { DefinitionFiles } from '@laminar/runtime';
import type { ConnectionSpec } from '../desired/slot.js';

const closeTimeoutMs = 1000;

export interface LiveSourceOptions {
  readonly spec: ConnectionSpec;
  readonly instance: string;
  readonly secrets: SecretSource;
  readonly files: DefinitionFiles;
  readonly range: TapRange | undefined;
  /** Nothing more comes of it. */
  onLost(reason: string): void;
}

/** A socket and a tap of its own for one live query, of which nothing is left behind. */
export class LiveSource {
  #connection: Connection | undefined;
  #tap: Tap | undefined;
  #opening: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(readonly options: LiveSourceOptions) {}

  /** Resolves when no message is missed any more. Throws `ConnectorError`. */
  open(): Promise<void> {
    this.#opening = this.#open();
    return this.#opening;
  }

  /** How far the opening has come. */
  get isConnected(): boolean {
    return this.#tap !== undefined;
  }

  /** The next messages; undefined at the end, which `endReading` brings about too. Throws `ConnectorError`. */
  async read(): Promise<readonly Message[] | undefined> {
    return this.#tap?.read();
  }

  endReading(): void {
    this.#closed = true;
    void this.#tap?.close().catch(() => undefined);
  }

  /** Removes everything, on the server too. Never rejects. */
  async close(): Promise<void> {
    this.endReading();
    // What is still being opened could not be removed from the server yet.
    await within(closeTimeoutMs, this.#opening);
    await this.#tap?.close().catch(() => undefined);
    await this.#connection?.close().catch(() => undefined);
  }

  async #open(): Promise<void> {
    const { spec, instance, secrets, files, range, onLost } = this.options;
    const connection = createConnection('nats', {
      ...spec,
      clientName: `laminar ${instance} live`,
      secrets,
      files,
      events: {
        onState: (state) => {
          if (state.state !== 'connected') onLost(state.state === 'closed' ? state.error.message : state.reason);
        },
        // Of consumers that the server keeps track of, which a live query has none of.
        onRemark: () => undefined,
      },
    });
    await connection.open();
    // One whose query is over before it is open is closed when it is.
    if (this.#closed) return connection.close();
    this.#connection = connection;
    this.#tap = connection.tap(range);
    await this.#tap.open();
  }
}
