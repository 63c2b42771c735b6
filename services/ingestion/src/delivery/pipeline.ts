import type { Message } from '@laminar/codecs';
import { HeaderBlock, type Sink } from '@laminar/connectors';
import { headers, subjects } from '@laminar/protocol';
import { type CompiledQuery, compileQuery, type OutputRow } from '@laminar/sql';
import type { PipelineSpec } from '../desired/slot.js';
import type { PipelineCounters } from './counters.js';

/** A pipeline as a slot runs it: compiled, with its counters and where its rows go. */
export class RunningPipeline {
  readonly query: CompiledQuery;
  /** Headers that are the same for all rows. */
  readonly headers: HeaderBlock;
  readonly subject: string;
  /** The sink keeps messages by their ids. */
  readonly durable: boolean;
  /** `traceparent` of what applied it, until its first row is out. */
  pendingTrace: string | undefined;
  #rowsWithoutSource = 0;

  constructor(
    readonly spec: PipelineSpec,
    readonly counters: PipelineCounters,
    readonly sink: Sink,
    readonly session: string,
  ) {
    this.query = compileQuery(spec.query);
    this.headers = new HeaderBlock('')
      .with(headers.pipeline, spec.name)
      .with(headers.revision, String(spec.definitionRevision));
    const resolved = spec.sink?.resolved;
    this.subject =
      resolved && 'subject' in resolved && resolved.subject !== undefined
        ? resolved.subject
        : subjects.output(spec.name);
    this.durable = resolved?.role === 'sink-jetstream';
  }

  /** The headers of one row: those of the pipeline, where it came from, and what makes it one of a kind. */
  headersOf(message: Message, row: OutputRow, rowIndex: number, sourceIncarnation: string | undefined): HeaderBlock {
    let block = this.headers;
    if (message.sequence !== undefined) block = block.with(headers.source, `${message.stream}:${message.sequence}`);
    if (this.durable) block = block.with(headers.messageId, this.#messageId(message, rowIndex, sourceIncarnation));
    for (const [name, values] of Object.entries(row.headers ?? {}))
      for (const value of values) block = block.with(name, value);
    return block;
  }

  /**
   * Pipeline, source stream and their incarnations, sequence, row: the same whenever the message is evaluated again. A message of a core
   * source is never evaluated again, but its rows may have to be published again.
   */
  #messageId(message: Message, rowIndex: number, sourceIncarnation: string | undefined): string {
    const { name, incarnation } = this.spec;
    if (message.sequence === undefined) return `${name}.${incarnation}.${this.session}.${this.#rowsWithoutSource++}`;
    return `${name}.${incarnation}.${sourceIncarnation}.${message.sequence}.${rowIndex}`;
  }
}
