import type { Message } from '@laminar/codecs';
import { type ConnectionLog, ConnectorError, type OutputHistory, type Sink } from '@laminar/connectors';
import type { DecodedMessage, OutputRow } from '@laminar/sql';
import { rowsOf } from '../awaited-evaluations.js';
import type { RunningPipeline } from '../pipeline.js';
import type { EarlierVersions } from './earlier-versions.js';
import { OutputLookup, type Question } from './output-lookup.js';
import type { RowsOfMessage } from './published-rows.js';

/** The clocks of the source's and the sink's servers, and of who created a pipeline, may differ by that much. */
const clockMarginMs = 30_000;

/** What a pipeline has to make of a message that may have been processed before. */
export interface Finding {
  /** The pipeline, or as an earlier version where that one has begun. */
  readonly pipeline: RunningPipeline;
  /** Places of the rows that are out; undefined where none is. */
  readonly published: ReadonlySet<number> | undefined;
}

/**
 * Looks at the outputs of pipelines before rows of a message are published that may be there. Rows that are found are left out; where they were made by an
 * earlier version of the pipeline, the missing ones are that version's.
 */
export class Repeats {
  /** By stream and subject. */
  readonly #lookups = new WeakMap<OutputHistory, Map<string, OutputLookup>>();
  /** Of pipelines whose rows all have one subject, where they were looked for last. */
  readonly #last = new WeakMap<RunningPipeline, OutputLookup>();
  /** Why outputs cannot be read, by pipeline id. */
  readonly #problems = new Map<string, string>();

  constructor(
    readonly options: {
      readonly earlier: Pick<EarlierVersions, 'of'>;
      readonly log: ConnectionLog;
      /** What is said of a pipeline changed. */
      onProblem(): void;
    },
  ) {}

  /** Why a pipeline may double rows after a crash or an outage; undefined where nothing is known to be wrong. */
  problemOf(pipeline: RunningPipeline): string | undefined {
    return this.#problems.get(pipeline.id);
  }

  /** Whether rows that a pipeline makes can be told from those that are out; a query that counts deliveries makes others each time. */
  static concerns({ sink, spec, durable }: RunningPipeline): boolean {
    return durable && sink.history !== undefined && !spec.query.readsDelivered;
  }

  /** The finding where the output need not be asked for it. `family` is what `RunningPipeline.familyOf` says. */
  known(pipeline: RunningPipeline, message: Message, family: string): Finding | undefined {
    if (!Repeats.concerns(pipeline)) return { pipeline, published: undefined };
    const hasNone = this.#last.get(pipeline)?.hasNone(questionOf(pipeline, message, family));
    return hasNone ? { pipeline, published: undefined } : undefined;
  }

  /**
   * The finding, once the output has answered, which may take long; undefined where it cannot be known now, which is to be tried again. Of an output that may not be read
   * nothing is known, and nothing is waited for. Never rejects.
   */
  async find(pipeline: RunningPipeline, decoded: DecodedMessage, family: string): Promise<Finding | undefined> {
    if (!Repeats.concerns(pipeline) || decoded.message.sequence === undefined)
      return { pipeline, published: undefined };
    try {
      const finding = await this.#find(pipeline, decoded, questionOf(pipeline, decoded.message, family));
      this.#note(pipeline, undefined);
      return finding;
    } catch (error) {
      if (error instanceof ConnectorError && error.steer === 'blocked') {
        this.#note(pipeline, `rows wait until it is known whether they are out: ${error.message}`);
        return undefined;
      }
      const reason = error instanceof Error ? error.message : String(error);
      this.#note(pipeline, `what was out longer than the duplicate window before a crash may come twice: ${reason}`);
      return { pipeline, published: undefined };
    }
  }

  async #find(pipeline: RunningPipeline, decoded: DecodedMessage, question: Question): Promise<Finding> {
    const rows = new Map<number, number>();
    const looked = new Set<string>();
    let version = pipeline;
    for (;;) {
      const subjects = (await subjectsOf(version, decoded)).filter((subject) => !looked.has(subject));
      for (const subject of subjects) looked.add(subject);
      for (const found of await this.#rowsOn(pipeline.sink, subjects, version, question))
        for (const [row, revision] of found) rows.set(row, revision);
      const [revision = version.spec.definitionRevision] = rows.values();
      if (version !== pipeline || Number.isNaN(revision) || revision === version.spec.definitionRevision) break;
      const earlier = await this.options.earlier.of(pipeline, revision);
      if (earlier === undefined) break;
      // It may have written elsewhere.
      version = earlier;
    }
    return { pipeline: version, published: rows.size === 0 ? undefined : new Set(rows.keys()) };
  }

  /** What the streams hold that take these subjects of a version's rows. */
  async #rowsOn(
    { history }: Sink,
    subjects: readonly string[],
    version: RunningPipeline,
    question: Question,
  ): Promise<RowsOfMessage[]> {
    if (!history) return [];
    const streams = new Set(await Promise.all(subjects.map((subject) => history.streamOf(subject))));
    const asked: Promise<RowsOfMessage>[] = [];
    for (const stream of streams) {
      if (stream === undefined) continue;
      const lookup = this.#lookup(history, stream, version.routesRows ? undefined : version.subject);
      if (!version.routesRows) this.#last.set(version, lookup);
      if (!lookup.hasNone(question)) asked.push(lookup.find(question));
    }
    return Promise.all(asked);
  }

  #lookup(history: OutputHistory, stream: string, subject: string | undefined): OutputLookup {
    const ofHistory = this.#lookups.get(history) ?? new Map<string, OutputLookup>();
    this.#lookups.set(history, ofHistory);
    const key = `${stream} ${subject ?? '>'}`;
    const lookup = ofHistory.get(key) ?? new OutputLookup(history, { stream, subject });
    ofHistory.set(key, lookup);
    return lookup;
  }

  #note(pipeline: RunningPipeline, problem: string | undefined): void {
    if (this.#problems.get(pipeline.id) === problem) return;
    if (problem === undefined) this.#problems.delete(pipeline.id);
    else {
      this.#problems.set(pipeline.id, problem);
      this.options.log.write('warn', 'the output could not be looked at', () => ({
        attributes: { pipeline: pipeline.spec.name, reason: problem },
      }));
    }
    this.options.onProblem();
  }
}

/** No row of a message is older than the message, nor than its pipeline. */
function questionOf({ spec }: RunningPipeline, { sequence, timestampMs }: Message, family: string): Question {
  const sinceMs = Math.max(timestampMs, spec.createdAtMs) - clockMarginMs;
  return { family, sequence: sequence ?? 0, sinceMs };
}

/** The subjects that rows of a message have. */
async function subjectsOf(pipeline: RunningPipeline, decoded: DecodedMessage): Promise<string[]> {
  if (!pipeline.routesRows) return [pipeline.subject];
  const rows = await rowsFrom(pipeline, decoded);
  return [...new Set([pipeline.subject, ...rows.map(({ subject }) => subject ?? pipeline.subject)])];
}

/** None where it fails at the message, as it will again. */
async function rowsFrom({ query, awaited }: RunningPipeline, decoded: DecodedMessage): Promise<readonly OutputRow[]> {
  try {
    return awaited ? rowsOf(await awaited.outcomeOf(decoded)) : query.process(decoded);
  } catch {
    return [];
  }
}
