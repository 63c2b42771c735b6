import { DecodeError, type MessageCodec } from '@laminar/codecs';
import type { SecretSource } from '@laminar/connectors';
import type { Catalog } from '@laminar/definitions';
import { type Kind, laminar } from '@laminar/protocol';
import type { DefinitionFiles } from '@laminar/runtime';
import {
  type BoundQuery,
  bindLiveQuery,
  catalogFunctions,
  catalogRelations,
  compileQuery,
  type DecodedMessage,
  decodedMessage,
  isEmptyRange,
  narrowed,
  type OutputRow,
  RowError,
  type StreamRange,
} from '@laminar/sql';
import { attributes, recordError, startSpan, traceparentOf } from '@laminar/telemetry';
import { AwaitedEvaluations, type FunctionCaller, rowsOf } from '../delivery/awaited-evaluations.js';
import { connectionSpec } from '../desired/desired.js';
import { codecOf } from '../jobs/codec-of.js';
import type { Asker, Event } from './asker.js';
import { failureKinds, failureOf, LiveFailed } from './live-failure.js';
import { LiveSource } from './live-source.js';

const { LiveEnd } = laminar.v1;

/** However long a query may run, it begins within that or not at all. */
const openTimeoutMsMax = 30_000;

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
  /** Infinity is without limit. */
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** Of whoever asks. */
  readonly traceparent: string;
  /** Each message that cannot be read is told of, and not only counted. */
  readonly tellFailed: boolean;
}

type EndReason = laminar.v1.LiveEnd.Reason;

/** A query in the catalog as it is, and where in the stream it reads. */
interface Opened {
  readonly query: BoundQuery;
  readonly limit: number;
  readonly codec: MessageCodec;
  /** Undefined where nothing can come. */
  readonly source: LiveSource | undefined;
}

/** One live query from the request to the last event. No reader of the connection notices it. */
export class LiveQuery {
  #source: LiveSource | undefined;
  /** What it stands on in the catalog. */
  #query: BoundQuery | undefined;
  /** What ends it from outside: its time, its asker, its connection, its definitions, the end of this process. */
  #ending: EndReason | LiveFailed | 'gone' | undefined;
  #onEnding: () => void = () => undefined;
  readonly #ended = new Promise<void>((resolve) => {
    this.#onEnding = resolve;
  });
  readonly #span: ReturnType<typeof startSpan>;
  #rows = 0;
  #bytes = 0;
  #failedMessages = 0;
  #firstFailure = '';

  constructor(
    readonly context: LiveQueryContext,
    readonly request: LiveQueryRequest,
    readonly asker: Asker,
  ) {
    this.#span = startSpan('live query', {
      parent: request.traceparent,
      attributes: { [attributes.instance]: context.instance },
    });
  }

  /** Runs it to its end, and tells the asker. Never rejects. */
  async run(): Promise<void> {
    const timer = setTimeout(() => this.#end(LiveEnd.Reason.REASON_TIMEOUT), this.request.timeoutMs);
    this.asker.gone.addEventListener('abort', () => this.#end('gone'));
    const last = await this.#answer().catch((error) => {
      recordError(this.#span, error);
      return failureOf(error);
    });
    clearTimeout(timer);
    await this.#source?.close();
    await this.asker.end(last);
    this.#span.setAttribute(attributes.rows, this.#rows);
    this.#span.end();
  }

  /** Ends it for a reason that is this process's. */
  end(why: string): void {
    this.#end(new LiveFailed(failureKinds.KIND_INSTANCE, why));
  }

  /** Ends it where it stands on the definition, which has just changed. */
  changed(kind: Kind, name: string): void {
    const query = this.#query;
    const isMine =
      kind === 'function'
        ? query?.calls.includes(name)
        : (kind === 'connection' || kind === 'table') &&
          (query?.connections.includes(name) || query?.reads.includes(name));
    if (!isMine) return;
    const what = this.context.catalog.get(kind, name) ? 'changed' : 'dropped';
    const message = `the ${kind} "${name}" was ${what} while the query ran; ask again`;
    this.#end(new LiveFailed(failureKinds.KIND_CHANGED, message));
  }

  async #answer(): Promise<Event> {
    const opened = await this.#open();
    this.asker.opened();
    if (opened.limit === 0) return this.#last(LiveEnd.Reason.REASON_LIMIT);
    return opened.source ? this.#read(opened.source, opened) : this.#last(LiveEnd.Reason.REASON_RANGE);
  }

  async #open(): Promise<Opened> {
    const { catalog, instance, secrets, files } = this.context;
    await this.#caughtUp();
    const { query, connection, range, limit = Number.POSITIVE_INFINITY } = this.#bind();
    const record = catalog.get('connection', connection);
    if (!record) throw new LiveFailed(failureKinds.KIND_CHANGED, `"${connection}" was just dropped`);
    const spec = connectionSpec(record);
    this.#span.setAttribute(attributes.connection, spec.name);
    const codec = await codecOf(spec.resolved, files);
    if (limit === 0 || (range && isEmptyRange(range))) return { query, limit, codec, source: undefined };
    const onLost = (reason: string) => this.#end(new LiveFailed(failureKinds.KIND_CONNECTION, reason));
    const source = new LiveSource({ spec, instance, secrets, files, range, onLost });
    this.#source = source;
    const span = startSpan('start reader', {
      parent: traceparentOf(this.#span),
      attributes: { [attributes.connection]: spec.name, [attributes.messagingSystem]: 'nats' },
    });
    try {
      await this.#inTime(source, spec.resolved.servers.join(', '));
    } catch (error) {
      recordError(span, error);
      throw error;
    } finally {
      span.end();
    }
    return { query, limit, codec, source };
  }

  async #caughtUp(): Promise<void> {
    const { revision } = this.request;
    const timeoutMs = this.#openTimeoutMs;
    await this.context.caughtUp(revision, timeoutMs).catch(() => {
      throw new LiveFailed(
        failureKinds.KIND_INSTANCE,
        `the ingestion instance that answers has not come to revision ${revision} within ${timeoutMs} ms`,
      );
    });
  }

  #bind(): { query: BoundQuery; connection: string; range: StreamRange | undefined; limit: number | undefined } {
    const { catalog } = this.context;
    const { query, connection, limit } = bindLiveQuery(
      this.request.query,
      catalogRelations(catalog),
      catalogFunctions(catalog),
    );
    this.#query = query;
    return { ...narrowed(query), connection, limit };
  }

  get #openTimeoutMs(): number {
    return Math.min(this.request.timeoutMs, openTimeoutMsMax);
  }

  /** Waits for the source to be open, which must come before the query ends. */
  async #inTime(source: LiveSource, servers: string): Promise<void> {
    const timeoutMs = this.#openTimeoutMs;
    const timer = setTimeout(() => this.#end(LiveEnd.Reason.REASON_TIMEOUT), timeoutMs);
    const opening = source.open();
    // What fails after the end is of no interest any more.
    opening.catch(() => undefined);
    await Promise.race([opening, this.#ended]).finally(() => clearTimeout(timer));
    if (this.#ending === undefined) return;
    if (this.#ending instanceof LiveFailed) throw this.#ending;
    const late = source.isConnected ? `nothing could be read from ${servers}` : `${servers} did not answer`;
    throw new LiveFailed(failureKinds.KIND_CONNECTION, `${late} within ${timeoutMs} ms`);
  }

  async #read(source: LiveSource, { query, limit, codec }: Opened): Promise<Event> {
    const { rowsMax, bytesMax } = this.request;
    const compiled = compileQuery(query);
    const awaited = query.awaitsCalls ? new AwaitedEvaluations(compiled, this.context.functions) : undefined;
    for (;;) {
      // Whatever ends the query ends the reading.
      const messages = await source.read();
      if (this.#ending instanceof LiveFailed) throw this.#ending;
      if (this.#ending !== undefined) return this.#last(LiveEnd.Reason.REASON_TIMEOUT);
      if (!messages) return this.#last(LiveEnd.Reason.REASON_RANGE);
      for (const message of messages) {
        const decoded = decodedMessage(message, codec);
        const outcome = awaited && (await awaited.outcomeOf(decoded));
        if (this.#hasEnded) break;
        for (const row of this.#rowsOf(decoded, () => (outcome ? rowsOf(outcome) : compiled.process(decoded)))) {
          if (this.#bytes + row.length > bytesMax) return this.#last(LiveEnd.Reason.REASON_SIZE);
          this.#bytes += row.length;
          this.#rows++;
          this.asker.row(row);
          if (this.#rows === limit) return this.#last(LiveEnd.Reason.REASON_LIMIT);
          if (this.#rows >= rowsMax) return this.#last(LiveEnd.Reason.REASON_SIZE);
        }
        const full = this.asker.ready();
        if (full) await Promise.race([full, this.#ended]);
      }
    }
  }

  #rowsOf(decoded: DecodedMessage, evaluate: () => readonly OutputRow[]): Uint8Array[] {
    try {
      return evaluate().map(({ data }) => data);
    } catch (error) {
      if (!(error instanceof RowError) && !(error instanceof DecodeError)) throw error;
      this.#failed(decoded, error.message);
      return [];
    }
  }

  #failed({ message: { subject, stream, sequence } }: DecodedMessage, message: string): void {
    const where = stream === undefined ? subject : `${subject}, ${stream}:${sequence}`;
    if (this.#failedMessages++ === 0) this.#firstFailure = `${message} (${where})`;
    if (this.request.tellFailed) this.asker.failed({ message, subject, stream: stream ?? '', sequence: sequence ?? 0 });
  }

  get #hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  #last(reason: EndReason): Event {
    return { end: { reason, failedMessages: this.#failedMessages, firstFailure: this.#firstFailure } };
  }

  #end(why: EndReason | LiveFailed | 'gone'): void {
    if (this.#ending !== undefined) return;
    this.#ending = why;
    this.#onEnding();
    this.#source?.endReading();
  }
}
