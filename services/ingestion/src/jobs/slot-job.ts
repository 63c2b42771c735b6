import type { MessageCodec } from '@laminar/codecs';
import {
  type Connection,
  ConnectorError,
  type Lineage,
  type PositionStore,
  type Reader,
  type SecretSource,
} from '@laminar/connectors';
import { ackWaitMsOf, hasDurable, isPositioned, isRedelivered } from '@laminar/definitions';
import type { DefinitionFiles } from '@laminar/runtime';
import type { DeadLetters } from '../dead-letters/dead-letters.js';
import { LetterDesk } from '../dead-letters/letter-desk.js';
import { SlotDeadLetters } from '../dead-letters/slot-dead-letters.js';
import type { FunctionCaller } from '../delivery/awaited-evaluations.js';
import type { CounterRegistry } from '../delivery/counters.js';
import { Delivery } from '../delivery/delivery.js';
import { EarlierVersions } from '../delivery/repeats/earlier-versions.js';
import { Repeats } from '../delivery/repeats/repeats.js';
import type { TraceSampler } from '../delivery/trace-sampler.js';
import type { PastPipelines } from '../desired/past-pipelines.js';
import { answersForReader, ownerOf, type PipelineSpec, type SlotSpec } from '../desired/slot.js';
import { DeadLetterLog } from '../logs/dead-letter-log.js';
import { JobLog } from '../logs/job-log.js';
import type { LogPublisher } from '../logs/log-publisher.js';
import type { Positions } from '../positions/positions.js';
import { ApplyTraces } from './apply-traces.js';
import { Halted } from './backoff.js';
import { codecOf } from './codec-of.js';
import { ConnectionLoop, type ConnectionStanding } from './connection-loop.js';
import { type Lineup, lineUp } from './lineup.js';
import { type PipelineStanding, pipelineStandingOf } from './pipeline-standing.js';
import { Reading } from './reading.js';
import { noResponder, responderOf } from './responder.js';
import type { RowTarget } from './shared-sink.js';
import type { SinkPool } from './sink-pool.js';
import { SlotCircumstances, type SlotCircumstancesOptions } from './slot-circumstances.js';
import { SlotCounter } from './slot-counter.js';
import { soleWriterPositions } from './sole-writer-positions.js';

export interface SlotJobOptions extends SlotCircumstancesOptions {
  readonly spec: SlotSpec;
  readonly instance: string;
  readonly session: string;
  readonly sinks: SinkPool;
  readonly secrets: SecretSource;
  readonly counters: CounterRegistry;
  readonly deadLetters: DeadLetters;
  readonly positions: Positions;
  /** What earlier versions of pipelines began, they end. */
  readonly pastPipelines: PastPipelines;
  readonly functions: FunctionCaller;
  readonly sampler: TraceSampler;
  readonly logs: LogPublisher;
  /** Where descriptors are read from. */
  readonly files: DefinitionFiles;
  /** What the job says of its connection or of these pipelines changed. */
  onReport(connection: string, pipelines: readonly string[]): void;
}

/** Runs one slot of a connection: its reader, and all of the pipelines over it. */
export class SlotJob {
  #spec: SlotSpec;
  readonly #loop: ConnectionLoop;
  readonly #counter: SlotCounter;
  readonly #log: JobLog;
  #reading: Reading | undefined;
  /** The reader's subscription or consumer stands. */
  #open = false;
  /** Takes replies to requests, on the connection that they came from. */
  #responder: RowTarget = noResponder;
  #waiting: Lineup['waiting'] = new Map();
  readonly #traces: ApplyTraces;
  readonly #circumstances: SlotCircumstances;
  readonly #repeats: Repeats;
  #arranging: Promise<void> = Promise.resolve();
  #arranged: () => void = () => undefined;
  /** The spec whose pipelines were put in place last. */
  #arrangedSpec: SlotSpec | undefined;
  #fail: (error: unknown) => void = () => undefined;
  #endUse: () => void = () => undefined;

  constructor(readonly options: SlotJobOptions) {
    const { spec, counters, instance, secrets, files, logs } = options;
    this.#spec = spec;
    this.#log = new JobLog(spec.connection.name, logs);
    this.#traces = new ApplyTraces(instance);
    this.#circumstances = new SlotCircumstances(() => this.#spec, options);
    this.#repeats = new Repeats({
      earlier: new EarlierVersions(options.pastPipelines, this.#log),
      log: this.#log,
      onProblem: () => this.#report(),
    });
    this.#counter = new SlotCounter(counters.connection(spec.connection.name, spec.connection.incarnation));
    this.#loop = new ConnectionLoop({
      spec: { ...spec.connection, ...nameOf(spec.reader) },
      clientName: `laminar ${instance} ${spec.key}`,
      secrets,
      files,
      log: this.#log,
      lineage: lineageOf(spec, options),
      use: (connection, lost, inUse) => this.#use(connection, lost, inUse),
      onStanding: () => this.#report(),
    });
  }

  get spec(): SlotSpec {
    return this.#spec;
  }

  get standing(): ConnectionStanding {
    return this.#loop.standing;
  }

  get connection(): Connection | undefined {
    return this.#loop.connection;
  }

  get lastError(): string | undefined {
    return this.#loop.lastError;
  }

  /** Undefined while nothing is read. */
  get reader(): Reader | undefined {
    return this.#open ? this.#reading?.reader : undefined;
  }

  start(): void {
    this.#traces.begin(this.#spec.pipelines);
    this.#loop.start();
  }

  /** Tries to connect now, where it could not. */
  retry(): void {
    this.#loop.retry();
  }

  /** Runs other pipelines over the same connection, without closing it. */
  change(spec: SlotSpec): void {
    this.#spec = spec;
    this.#traces.begin(this.#spec.pipelines);
    this.#loop.wake();
    this.rearrange();
  }

  /** Looks again at which pipelines can run: a sink came or went. */
  rearrange(): void {
    this.#arranging = this.#arranging.then(() => this.#arrange()).catch((error: unknown) => this.#fail(error));
  }

  /** Drains and closes. Resolves when nothing of it is read or stored any more, but what is still on its way to a sink that others use, too. Idempotent. */
  async stop(): Promise<void> {
    this.#circumstances.freeze();
    this.#endUse();
    await this.#loop.stop();
    await this.#arranging;
    this.#traces.end();
    await this.options.sinks.retain(this, []);
  }

  /** What this job says of a pipeline; undefined where it has nothing to do with it. */
  pipelineStanding(name: string): PipelineStanding | undefined {
    return pipelineStandingOf(name, {
      spec: this.#spec,
      connection: this.#loop.standing,
      isStopping: this.#loop.stopped,
      reading: this.#open ? this.#reading : undefined,
      waiting: this.#waiting,
      lettersProblem: this.options.deadLetters.problem,
      repeatsProblemOf: (pipeline) => this.#repeats.problemOf(pipeline),
    });
  }

  /** Whether rows go to this sink connection, or shall. */
  writesTo(connection: string): boolean {
    return this.#concerned().some(({ sink }) => sink?.name === connection);
  }

  /** Adds up what was counted since the last call. */
  count(): void {
    const dropped = this.#counter.count(this.connection?.snapshot().reconnects ?? 0);
    if (dropped > 0) {
      this.#log.write('warn', 'messages were dropped: more came than pending_limits lets wait', () => ({
        attributes: { count: dropped },
      }));
    }
  }

  async #use(connection: Connection, lost: AbortSignal, inUse: () => void): Promise<void> {
    const { connection: source } = this.#spec;
    const { resolved } = source;
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
      lost.addEventListener('abort', () => reject(lost.reason), { once: true });
    });
    // What nobody waits for at the moment is found at the next wait.
    failed.catch(() => undefined);
    const stopping = new Promise<void>((resolve) => {
      this.#endUse = resolve;
    });
    const codec = await codecOf(source.resolved, this.options.files);
    this.#responder = await responderOf(connection, resolved);
    if (this.#loop.stopped) return;
    const reader = connection.reader(this.#positions());
    const letters = this.#slotLetters(connection, reader);
    const reading = new Reading(reader, this.#delivery(reader, codec, letters), ackWaitMsOf(resolved));
    this.#reading = reading;
    const desk = new LetterDesk({
      connection: source.name,
      source: connection,
      deadLetters: this.options.deadLetters,
      slotLetters: letters,
      codec,
      repeats: this.#repeats,
      counters: this.#counter.total,
      answersRetries: answersForReader(this.#spec),
      pipelines: () => (reading.suspended ? [] : reading.pipelines),
    });
    this.#counter.follow(reader.counters);
    try {
      await Promise.race([this.#ready(reading, resolved.role !== 'source-core'), failed, stopping]);
      if (this.#loop.stopped) return;
      const startedAtMs = Date.now();
      await Promise.race([desk.open(), failed, stopping]);
      if (this.#loop.stopped) return;
      await Promise.race([reader.open(), failed, stopping]);
      if (this.#loop.stopped) return;
      this.#open = true;
      this.#traces.readerStarted(reading.pipelines, source.name, startedAtMs);
      this.#traces.applied(reading.pipelines);
      inUse();
      this.#settle();
      this.#report();
      void stopping.then(() => reading.stop());
      await Promise.race([reading.run(), failed]);
      // A reader also ends where its connection was lost.
      lost.throwIfAborted();
    } finally {
      this.#open = false;
      this.#reading = undefined;
      await reading.end();
      await desk.close();
      this.count();
      await reader.close();
      this.#responder = noResponder;
      this.#report();
    }
  }

  /**
   * Resolves when the pipelines are in place. JetStream keeps the messages meanwhile, so that all sinks are waited for: a pipeline that came later
   * would miss what its siblings acknowledge.
   */
  async #ready(reading: Reading, waitForAll: boolean): Promise<void> {
    this.rearrange();
    await this.#arranging;
    while (reading.pipelines.length === 0 || (waitForAll && this.#waiting.size > 0)) {
      await new Promise<void>((resolve) => {
        this.#arranged = resolve;
      });
    }
  }

  /** Makes the pipelines that run those of the spec, as far as their sinks are open. */
  async #arrange(): Promise<void> {
    const reading = this.#reading;
    if (!reading || this.#loop.stopped) return;
    const spec = this.#spec;
    const { pipelines, connection } = spec;
    const { sinks, counters, functions, session, onReport } = this.options;
    const before = reading.pipelines;
    const { ready, waiting, lost } = lineUp(pipelines, before, {
      sinks,
      responder: this.#responder,
      user: this,
      publisher: ackWaitMsOf(connection.resolved) === undefined ? undefined : this,
      counters,
      functions,
      session,
      log: connection.resolved.trace ? this.#log : undefined,
    });
    this.#waiting = waiting;
    if (!this.#open) this.#loop.waitsFor(problemOf(waiting));
    // What was published to a sink that is gone may never be confirmed: it has to be published, or to come, again where it can.
    if (lost !== undefined && isRedelivered(connection.resolved)) reading.suspend();
    if (reading.suspended && waiting.size > 0) {
      // As at the start, all sinks are waited for.
    } else if (lost !== undefined && !reading.suspended && connection.resolved.role !== 'source-core') {
      this.#fail(new ConnectorError('blocked', lost));
    } else if (
      reading.suspended ||
      ready.length !== before.length ||
      ready.some((pipeline, i) => pipeline !== before[i])
    ) {
      await reading.swap(ready);
      if (this.#open) this.#traces.applied(ready);
    }
    void sinks.retain(
      this,
      [...pipelines, ...reading.pipelines.map(({ spec }) => spec)].map(({ sink }) => sink),
    );
    this.#arrangedSpec = spec;
    this.#settle();
    this.#arranged();
    onReport(connection.name, [...new Set([...pipelines, ...before.map(({ spec }) => spec)].map(({ name }) => name))]);
  }

  /** What the definitions say is in effect: a failure that comes now is one of theirs. */
  #settle(): void {
    const isInEffect = this.#arrangedSpec === this.#spec && this.#waiting.size === 0;
    if (this.#open && isInEffect && this.#reading?.suspended === false) this.#loop.settle();
  }

  /** Where the reader goes on, or of a durable says how far that came; where a pipeline writes its output alone, only once it is known how far it came there. */
  #positions(): PositionStore | undefined {
    const { connection, reader } = this.#spec;
    const { positions, sinks, pastPipelines } = this.options;
    if (hasDurable(connection.resolved)) {
      if (!answersForReader(this.#spec)) return undefined;
      return positions.ofDurable(reader, this.#circumstances);
    }
    return soleWriterPositions(positions.of(reader), {
      sinks,
      pastPipelines,
      user: this,
      pipeline: () => this.#reading?.pipelines[0]?.spec,
    });
  }

  #slotLetters(connection: Connection, reader: Reader): SlotDeadLetters {
    const { connection: source } = this.#spec;
    return new SlotDeadLetters({
      connection: source,
      owner: () => ownerOf(this.#spec),
      deadLetters: this.options.deadLetters,
      reader,
      besides:
        'deadLetterSubject' in source.resolved && source.resolved.deadLetterSubject !== undefined
          ? connection.besides()
          : undefined,
      onNotCopied: (reason) => {
        for (const { counters } of this.#reading?.pipelines ?? []) counters.lastError = reason;
      },
    });
  }

  #delivery(reader: Reader, codec: MessageCodec, deadLetters: SlotDeadLetters): Delivery {
    const { name, resolved } = this.#spec.connection;
    const { sampler } = this.options;
    return new Delivery({
      connection: name,
      onError: 'onError' in resolved ? resolved.onError : 'dead_letter',
      reader,
      repeats: this.#repeats,
      inOrder: isPositioned(resolved),
      codec,
      deadLetters,
      redelivery: isRedelivered(resolved) ? resolved.consumer : undefined,
      sampler,
      log: this.#log,
      deadLetterLog: new DeadLetterLog(this.#log),
      ackWaitMs: ackWaitMsOf(resolved),
      onStop: (reason) => this.#fail(new Halted(`stopped by on_error = 'stop': ${reason}`)),
    });
  }

  #report(): void {
    const names = new Set(this.#concerned().map(({ name }) => name));
    this.options.onReport(this.#spec.connection.name, [...names]);
  }

  /** What runs, and what shall. */
  #concerned(): PipelineSpec[] {
    return [...this.#spec.pipelines, ...(this.#reading?.pipelines ?? []).map(({ spec }) => spec)];
  }
}

/** Of one of the sinks that are waited for; undefined where all of them are on their way. */
const problemOf = (waiting: Lineup['waiting']): string | undefined =>
  [...waiting.values()].find(({ opening }) => !opening)?.problem;

const nameOf = ({ name, incarnation }: SlotSpec['reader']) => ({ name, incarnation });

function lineageOf({ connection, reader, pipelines }: SlotSpec, { lineages, positions }: SlotJobOptions): Lineage {
  const kept = positions.kept(reader);
  const [pipeline] = pipelines;
  return pipeline?.ownReading ? lineages.ofPipeline(connection, pipeline, kept) : lineages.of(connection, kept);
}
