import { DecodeError, type MessageCodec } from '@laminar/codecs';
import {
  type Connection,
  ConnectorError,
  createConnection,
  type SecretSource,
  type Tap,
  Untappable,
  within,
} from '@laminar/connectors';
import type { Catalog } from '@laminar/definitions';
import { laminar } from '@laminar/protocol';
import type { DefinitionFiles } from '@laminar/runtime';
import {
  type LiveQuery as BoundLiveQuery,
  bindLiveQuery,
  catalogFunctions,
  catalogRelations,
  compileQuery,
  type DecodedMessage,
  decodedMessage,
  type OutputRow,
  RowError,
  SqlError,
} from '@laminar/sql';
import { AwaitedEvaluations, type FunctionCaller, rowsOf } from '../delivery/awaited-evaluations.js';
import { connectionSpec } from '../desired/desired.js';
import { codecOf } from '../jobs/codec-of.js';
import type { Asker, Event } from './asker.js';

const { LiveEnd, LiveFailure } = laminar.v1;

/** Kept free of what a message of the bus may hold, for the frame around a row. */
const frameBytesMax = 1024;
const closeTimeoutMs = 1000;

export interface LiveQueryContext {
  readonly instance: string;
  readonly catalog: Catalog;
  readonly secrets: SecretSource;
  readonly files: DefinitionFiles;
  readonly functions: FunctionCaller;
  /** Resolves when the catalog has come to a revision; rejects after `timeoutMs`. */
  caughtUp(revision: number, timeoutMs: number): Promise<void>;
}

export interface LiveQueryRequest {
  readonly query: string;
  readonly revision: number;
  readonly timeoutMs: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
}

type EndReason = laminar.v1.LiveEnd.Reason;
type FailureKind = laminar.v1.LiveFailure.Kind;

/** Why a query could not go on, as its asker is told. */
class Failed extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly offset = 0,
  ) {
    super(message);
  }
}

/**
 * One live query: a socket and a tap of its own on the connection that it reads, from the request to the last event. Nothing of it is left behind, and no reader of the
 * connection notices it.
 */
export class LiveQuery {
  #tap: Tap | undefined;
  #opening: Promise<void> = Promise.resolve();
  #connection: Connection | undefined;
  /** What ends it from outside: its time, its asker, its connection, the end of this process. */
  #ending: EndReason | Failed | 'gone' | undefined;
  #onEnding: () => void = () => undefined;
  readonly #ended = new Promise<void>((resolve) => {
    this.#onEnding = resolve;
  });
  #rows = 0;
  #bytes = 0;
  #failedMessages = 0;
  #firstFailure = '';

  constructor(
    readonly context: LiveQueryContext,
    readonly request: LiveQueryRequest,
    readonly asker: Asker,
  ) {}

  /** Runs it to its end, and tells the asker. Never rejects. */
  async run(): Promise<void> {
    const timer = setTimeout(() => this.#end(LiveEnd.Reason.REASON_TIMEOUT), this.request.timeoutMs);
    this.asker.gone.addEventListener('abort', () => this.#end('gone'));
    const last = await this.#answer().catch(failure);
    clearTimeout(timer);
    // What is still being opened could not be removed from the server yet.
    await within(closeTimeoutMs, this.#opening);
    await this.#tap?.close().catch(() => undefined);
    await this.#connection?.close().catch(() => undefined);
    await this.asker.end(last);
  }

  /** Ends it because this process does. */
  stop(): void {
    this.#end(new Failed(LiveFailure.Kind.KIND_INSTANCE, 'the ingestion instance that answers is stopping'));
  }

  async #answer(): Promise<Event> {
    const { catalog } = this.context;
    await this.#caughtUp();
    const bound = this.#bind();
    if (bound.limit === 0) return this.#last(LiveEnd.Reason.REASON_LIMIT);
    const record = catalog.get('connection', bound.connection);
    if (!record) throw new Failed(LiveFailure.Kind.KIND_CONNECTION, `"${bound.connection}" was just dropped`);
    const spec = connectionSpec(record);
    const codec = await codecOf(spec.resolved, this.context.files);
    const connection = createConnection('nats', {
      ...spec,
      clientName: `laminar ${this.context.instance} live`,
      secrets: this.context.secrets,
      files: this.context.files,
      events: {
        onState: (state) => {
          if (state.state !== 'connected')
            this.#end(
              new Failed(
                LiveFailure.Kind.KIND_CONNECTION,
                state.state === 'closed' ? state.error.message : state.reason,
              ),
            );
        },
        // Of consumers, which a query live has none of.
        onRemark: () => undefined,
      },
    });
    const time = `within ${this.request.timeoutMs} ms`;
    const servers = spec.resolved.servers.join(', ');
    await this.#inTime(this.#open(connection), `${servers} did not answer ${time}`);
    const tap = connection.tap();
    this.#tap = tap;
    this.#opening = tap.open();
    await this.#inTime(this.#opening, `nothing could be read from ${servers} ${time}`);
    this.asker.opened();
    return this.#read(tap, bound, codec);
  }

  async #caughtUp(): Promise<void> {
    const { revision, timeoutMs } = this.request;
    await this.context.caughtUp(revision, timeoutMs).catch(() => {
      throw new Failed(
        LiveFailure.Kind.KIND_INSTANCE,
        `the ingestion instance that answers has not come to revision ${revision} within ${timeoutMs} ms`,
      );
    });
  }

  #bind(): BoundLiveQuery {
    const { catalog } = this.context;
    try {
      return bindLiveQuery(this.request.query, catalogRelations(catalog), catalogFunctions(catalog));
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const { message, hint, offset } = error;
      throw new Failed(LiveFailure.Kind.KIND_QUERY, hint === undefined ? message : `${message}; ${hint}`, offset);
    }
  }

  /** One whose time is over before it is open is closed when it is. */
  async #open(connection: Connection): Promise<void> {
    await connection.open();
    if (this.#ending === undefined) this.#connection = connection;
    else await connection.close();
  }

  /** Waits for something that must come before the query ends. */
  async #inTime(work: Promise<void>, late: string): Promise<void> {
    // What fails after the end is of no interest any more.
    work.catch(() => undefined);
    await Promise.race([work, this.#ended]);
    if (this.#ending === undefined) return;
    throw this.#ending instanceof Failed ? this.#ending : new Failed(LiveFailure.Kind.KIND_CONNECTION, late);
  }

  async #read(tap: Tap, { query, limit }: BoundLiveQuery, codec: MessageCodec): Promise<Event> {
    const compiled = compileQuery(query);
    const awaited = query.awaitsCalls ? new AwaitedEvaluations(compiled, this.context.functions) : undefined;
    for (;;) {
      // Whatever ends the query closes the tap, which ends the reading.
      const messages = await tap.read();
      if (this.#ending instanceof Failed) throw this.#ending;
      if (!messages || this.#ending !== undefined) return this.#last(LiveEnd.Reason.REASON_TIMEOUT);
      for (const message of messages) {
        const decoded = decodedMessage(message, codec);
        const outcome = awaited && (await awaited.outcomeOf(decoded));
        if (this.#hasEnded) break;
        for (const row of this.#rowsOf(decoded, () => (outcome ? rowsOf(outcome) : compiled.process(decoded)))) {
          if (this.#bytes + row.length > this.request.bytesMax) return this.#last(LiveEnd.Reason.REASON_SIZE);
          this.#bytes += row.length;
          this.#rows++;
          this.asker.row(row);
          if (this.#rows === limit) return this.#last(LiveEnd.Reason.REASON_LIMIT);
          if (this.#rows >= this.request.rowsMax) return this.#last(LiveEnd.Reason.REASON_SIZE);
        }
      }
      await this.asker.ready();
    }
  }

  #rowsOf(decoded: DecodedMessage, evaluate: () => readonly OutputRow[]): Uint8Array[] {
    try {
      const rows = evaluate().map(({ data }) => data);
      const rowBytesMax = (this.asker.nc.info?.max_payload ?? 0) - frameBytesMax;
      const large = rows.find(({ length }) => length > rowBytesMax);
      if (large)
        throw new RowError('too_large', `a row has ${large.length} bytes; the mesh's bus carries ${rowBytesMax}`);
      return rows;
    } catch (error) {
      if (!(error instanceof RowError) && !(error instanceof DecodeError)) throw error;
      const { subject, stream, sequence } = decoded.message;
      const where = stream === undefined ? subject : `${subject}, ${stream}:${sequence}`;
      if (this.#failedMessages++ === 0) this.#firstFailure = `${error.message} (${where})`;
      return [];
    }
  }

  get #hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  #last(reason: EndReason): Event {
    return { end: { reason, failedMessages: this.#failedMessages, firstFailure: this.#firstFailure } };
  }

  #end(why: EndReason | Failed | 'gone'): void {
    if (this.#ending !== undefined) return;
    this.#ending = why;
    this.#onEnding();
    void this.#tap?.close().catch(() => undefined);
  }
}

function failure(error: unknown): Event {
  if (error instanceof Failed) {
    const { kind, message, offset } = error;
    return { failure: { kind, message, offset } };
  }
  if (error instanceof Untappable)
    return { failure: { kind: LiveFailure.Kind.KIND_UNSUPPORTED, message: error.message } };
  const message = error instanceof Error ? error.message : String(error);
  const what = error instanceof ConnectorError ? message : `unexpected: ${message}`;
  return { failure: { kind: LiveFailure.Kind.KIND_CONNECTION, message: what } };
}
