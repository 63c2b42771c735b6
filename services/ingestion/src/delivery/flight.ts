import type { Message } from '@laminar/codecs';
import type { Batch } from '@laminar/connectors';
import type { RunningPipeline } from './pipeline.js';

/** A message between its delivery and its acknowledgement, and which pipelines have yet to see it. */
export class Flight {
  /** What has not come to its end: the evaluation itself, the rows of a pipeline, dead letters. */
  open = 1;
  /** Redelivery that a failed pipeline asks for. */
  retryMs: number | undefined;
  /** Something of it could not be taken, which is no fault of the message: it stays here, kept from redelivery, and is tried again. */
  held = false;
  /** Rows of pipelines that have to see it again may be out. */
  uncertain = false;
  /** Places of rows that are out already, by the id of their pipeline; undefined for none, as nearly always. */
  published: ReadonlyMap<string, ReadonlySet<number>> | undefined;
  /** Pipelines that have to see it again, by id; undefined for none, as nearly always. */
  #owed: Set<string> | undefined;

  constructor(
    readonly batch: Batch,
    readonly index: number,
    readonly message: Message,
    readonly sequence: number,
    readonly startedMs: number,
    /** Pipelines that have seen it, or that need not. */
    private seenBy: readonly RunningPipeline[],
  ) {}

  wasSeenBy(id: string): boolean {
    return this.seenBy.some((pipeline) => pipeline.id === id);
  }

  /** Whether a pipeline has yet to see it, or to see it again. */
  isOwedTo(id: string): boolean {
    return this.#owed?.has(id) === true || !this.wasSeenBy(id);
  }

  /** This pipeline, or each of them, has to see it again. */
  owe(pipeline: RunningPipeline | undefined): void {
    this.#owed ??= new Set();
    for (const { id } of pipeline ? [pipeline] : this.seenBy) this.#owed.add(id);
  }

  /** It is evaluated once more, by those of `pipelines` to which it is owed. */
  begin(pipelines: readonly RunningPipeline[]): void {
    this.open = 1;
    this.held = false;
    this.uncertain = false;
    this.published = undefined;
    this.#owed = undefined;
    this.seenBy = [...this.seenBy.filter(({ id }) => !pipelines.some((pipeline) => pipeline.id === id)), ...pipelines];
  }

  /** The pipelines that are done with it, by id, where nothing is open. */
  done(): ReadonlySet<string> {
    return new Set(this.seenBy.flatMap(({ id }) => (this.#owed?.has(id) ? [] : [id])));
  }
}
