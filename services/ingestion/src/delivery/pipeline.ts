import type { Message } from '@laminar/codecs';
import { type ConnectionLog, HeaderBlock, LoggedSink, type Sink } from '@laminar/connectors';
import { headers, subjects } from '@laminar/protocol';
import { type CompiledQuery, compileQuery, type OutputRow } from '@laminar/sql';
import type { PipelineSpec } from '../desired/slot.js';
import { AwaitedEvaluations, type FunctionCaller } from './awaited-evaluations.js';
import type { PipelineCounters } from './counters.js';
import { rowId } from './row-id.js';

/** Rows of core sources that got a message id; never counted anew, since an id that comes twice is a row that is dropped. */
let rowsWithoutSource = 0;

/** Headers that steer the server or say what the mesh knows: a row cannot set them, or its sender could roll up a stream. */
const ownHeaders = /^(nats-|laminar-)/i;

/** A pipeline as a slot runs it: compiled, with its counters and where its rows go. */
export class RunningPipeline {
  readonly query: CompiledQuery;
  /** Undefined where the query needs nobody's answer, and is evaluated at once. */
  readonly awaited: AwaitedEvaluations | undefined;
  /** Tells it from a dropped namesake. */
  readonly id: string;
  /** Headers that are the same for all rows. */
  readonly headers: HeaderBlock;
  readonly subject: string;
  /** The sink keeps messages by their ids. */
  readonly durable: boolean;
  /** `traceparent` of what applied it, until its first row is out. */
  pendingTrace: string | undefined;
  /** Rows may say their subjects. */
  readonly routesRows: boolean;
  /** Where rows are published: the sink, which may be watched on the way. */
  readonly output: Sink;
  #family = '';
  #familySource: string | undefined;

  constructor(
    readonly spec: PipelineSpec,
    readonly counters: PipelineCounters,
    readonly sink: Sink,
    /** Who withdraws rows that are not confirmed at its end; undefined where nothing comes again that they could be made of. */
    readonly publisher: object | undefined,
    readonly session: string,
    readonly functions: FunctionCaller,
    readonly log: ConnectionLog | undefined,
  ) {
    this.output = log ? new LoggedSink(sink, log) : sink;
    this.query = compileQuery(spec.query, spec.connection);
    this.awaited = spec.query.awaitsCalls ? new AwaitedEvaluations(this.query, functions) : undefined;
    this.id = `${spec.name}.${spec.incarnation}`;
    this.headers = new HeaderBlock('')
      .with(headers.pipeline, spec.name)
      .with(headers.revision, String(spec.definitionRevision));
    const resolved = spec.sink?.resolved;
    this.subject =
      resolved && 'subject' in resolved && resolved.subject !== undefined
        ? resolved.subject
        : subjects.output(spec.name);
    this.durable = resolved?.role === 'sink-jetstream';
    this.routesRows = spec.query.columns.some(({ name }) => name.toLowerCase() === 'subject');
  }

  /** The pipeline as another version of it, with the same counters and sink. */
  as(spec: PipelineSpec): RunningPipeline {
    return new RunningPipeline(spec, this.counters, this.sink, this.publisher, this.session, this.functions, this.log);
  }

  /** The headers of one row: those of the pipeline, where it came from, what makes it one of a kind, and its own. */
  headersOf(
    message: Message,
    rows: readonly OutputRow[],
    rowIndex: number,
    sourceIncarnation: string | undefined,
  ): HeaderBlock {
    let block = this.headers;
    if (message.sequence !== undefined) block = block.with(headers.source, `${message.stream}:${message.sequence}`);
    if (this.durable) block = block.with(headers.messageId, this.#messageId(message, rowIndex, sourceIncarnation));
    if (this.spec.sink?.soleWriter !== undefined) block = block.with(headers.row, `${rowIndex}/${rows.length}`);
    for (const [name, values] of Object.entries(rows[rowIndex]?.headers ?? {})) {
      if (!ownHeaders.test(name)) for (const value of values) block = block.with(name, value);
    }
    return block;
  }

  /**
   * Pipeline and source stream with their incarnations, which ids of rows begin with. A query that reads several connections has the connection in them: those
   * may read one stream.
   */
  familyOf(sourceIncarnation: string | undefined): string {
    if (this.#family !== '' && this.#familySource === sourceIncarnation) return this.#family;
    const { name, incarnation, connection, query } = this.spec;
    const source = query.connections.length === 1 ? sourceIncarnation : `${connection}.${sourceIncarnation}`;
    this.#family = `${name}.${incarnation}.${source}`;
    this.#familySource = sourceIncarnation;
    return this.#family;
  }

  /**
   * Where the row came from: the same whenever the message is evaluated again. A message of a core source is never evaluated again, but its rows may have to be
   * published again. A query that reads how often a message was delivered gives rows of their own for each delivery.
   */
  #messageId(message: Message, row: number, sourceIncarnation: string | undefined): string {
    const { sequence, delivered } = message;
    const { name, incarnation, query } = this.spec;
    if (sequence === undefined) return `${name}.${incarnation}.${this.session}.${rowsWithoutSource++}`;
    const id = rowId({ family: this.familyOf(sourceIncarnation), sequence, row });
    return query.readsDelivered ? `${id}.${delivered}` : id;
  }
}
