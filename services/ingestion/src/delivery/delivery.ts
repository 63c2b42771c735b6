import { type Codec, DecodeError } from '@laminar/codecs';
import { type Batch, ConnectorError, type Reader } from '@laminar/connectors';
import type { OnError } from '@laminar/definitions';
import { headers } from '@laminar/protocol';
import { type DecodedMessage, decodedMessage, type OutputRow, RowError } from '@laminar/sql';
import { isSampled, recordError, traceparentOf } from '@laminar/telemetry';
import type { DeadLetters } from './dead-letters.js';
import { MessageTrace, producerTrace, startPublish } from './message-trace.js';
import type { RunningPipeline } from './pipeline.js';
import type { TraceSampler } from './trace-sampler.js';

/** Delays of redelivery after a row error under `on_error = 'retry'`, by delivery. */
const retryDelaysMs = [1000, 2000, 5000, 10_000, 30_000] as const;
/** Messages of which it is remembered which pipelines are done with them, while they wait to be delivered again. */
const rememberedMax = 10_000;

/** A message between its delivery and its acknowledgement. */
interface InFlight {
  readonly batch: Batch;
  readonly index: number;
  readonly sequence: number;
  readonly startedMs: number;
  /** Rows and dead letters that are not confirmed yet, and one for the evaluation itself. */
  open: number;
  /** Redelivery that a failed pipeline asks for. */
  retryMs: number | undefined;
  /** Pipelines that need not see the message again. */
  readonly done: Set<string>;
}

type PublishSpan = ReturnType<typeof startPublish>;

export interface DeliveryOptions {
  readonly connection: string;
  readonly connectionRevision: number;
  readonly onError: OnError;
  readonly reader: Reader;
  readonly codec: Codec;
  readonly deadLetters: DeadLetters;
  readonly sampler: TraceSampler;
  /** Undefined where messages are not acknowledged. */
  readonly ackWaitMs: number | undefined;
  /** `on_error = 'stop'` was met. */
  onStop(reason: string): void;
}

/**
 * Takes batches through decode, queries and sinks, and settles each message when every pipeline is done with it: filtered out, or every row
 * confirmed. Nothing here waits; what is in flight is bounded by the sinks and the consumer.
 */
export class Delivery {
  pipelines: readonly RunningPipeline[] = [];
  /** By stream sequence; empty for readers without acknowledgements. */
  readonly #inFlight = new Map<number, InFlight>();
  /** Pipelines that are done with a message which another one has to see again. */
  readonly #finished = new Map<number, ReadonlySet<string>>();
  /** Evaluations that wait for functions. */
  #awaited = 0;
  #drained: (() => void)[] = [];
  #stopped = false;

  constructor(readonly options: DeliveryOptions) {}

  /** Evaluates a batch and publishes its rows. */
  process(batch: Batch): void {
    const { messages } = batch;
    const startedMs = performance.now();
    for (let i = 0; i < messages.length && !this.#stopped; i++) {
      if (messages[i]?.sequence === undefined) this.#evaluate(batch, i, undefined);
      else this.#track(batch, i, startedMs);
    }
    const nowMs = performance.now();
    for (const { sink, counters, awaited } of this.pipelines) {
      sink.flush();
      // Without acknowledgements a message is done when its batch is.
      if (this.options.ackWaitMs === undefined && !awaited)
        counters.latency.record(nowMs - startedMs, messages.length, nowMs);
    }
  }

  /** Resolves when the sinks can take more; undefined means now. */
  ready(): Promise<unknown> | undefined {
    const letters = this.options.deadLetters.ready();
    let waits = letters && [letters];
    for (const { sink, awaited } of this.pipelines) {
      const wait = sink.ready();
      if (wait) waits = [...(waits ?? []), wait];
      const calls = awaited?.ready();
      if (calls) waits = [...(waits ?? []), calls];
    }
    return waits && Promise.all(waits);
  }

  /** Resolves when nothing is in flight. */
  drained(): Promise<void> {
    if (this.#inFlight.size === 0 && this.#awaited === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Puts off the redelivery of what has been held for a while. */
  keepAlive(): void {
    const { ackWaitMs = 0 } = this.options;
    const before = performance.now() - ackWaitMs / 3;
    for (const { batch, index, startedMs } of this.#inFlight.values()) if (startedMs < before) batch.working(index);
  }

  /** Lets go of what is in flight: it was not acknowledged and comes again. */
  forget(): void {
    this.#inFlight.clear();
    this.#awaited = 0;
    for (const { awaited } of this.pipelines) awaited?.clear();
    this.#release();
  }

  /** The same, and takes nothing more. */
  abandon(): void {
    this.#stopped = true;
    this.forget();
  }

  #track(batch: Batch, index: number, startedMs: number): void {
    const message = batch.messages[index];
    const sequence = message?.sequence ?? 0;
    // Delivered again before it was done: the first delivery's acknowledgement counts for both.
    if (this.#inFlight.has(sequence)) return;
    const flight: InFlight = { batch, index, sequence, startedMs, open: 1, retryMs: undefined, done: new Set() };
    this.#inFlight.set(sequence, flight);
    this.#evaluate(batch, index, flight);
    this.#settleOne(flight);
  }

  #evaluate(batch: Batch, index: number, flight: InFlight | undefined): void {
    const message = batch.messages[index];
    if (!message) return;
    const decoded = decodedMessage(message, this.options.codec);
    try {
      decoded.value();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#undecodable(batch, index, error, flight);
      return;
    }
    const finished = flight && (message.delivered ?? 1) > 1 ? this.#finished.get(flight.sequence) : undefined;
    const producer = producerTrace(message);
    // The producer decides where it traces, too.
    const isTraced = producer === undefined ? this.options.sampler.take() : isSampled(producer);
    let trace = isTraced ? new MessageTrace(this.options.connection, message, producer) : undefined;
    for (const pipeline of this.pipelines) {
      if (finished?.has(pipeline.id) && !pipeline.spec.query.readsDelivered) {
        flight?.done.add(pipeline.id);
        continue;
      }
      pipeline.counters.messagesIn++;
      const applied = pipeline.pendingTrace;
      const startedAtMs = trace || applied !== undefined ? Date.now() : 0;
      if (pipeline.awaited) {
        this.#await(pipeline, decoded, batch, index, flight, trace);
        continue;
      }
      let rows: readonly OutputRow[];
      try {
        rows = pipeline.query.process(decoded);
      } catch (error) {
        trace?.processed(pipeline, startedAtMs, 0, error);
        this.#failed(pipeline, batch, index, error, flight);
        continue;
      }
      trace = this.#evaluated(pipeline, rows, batch, index, flight, trace, startedAtMs);
    }
    trace?.end();
  }

  /** Publishes what a pipeline made of a message. The message's trace, which begins here where the pipeline's first row is out with it. */
  #evaluated(
    pipeline: RunningPipeline,
    rows: readonly OutputRow[],
    batch: Batch,
    index: number,
    flight: InFlight | undefined,
    received: MessageTrace | undefined,
    startedAtMs: number,
  ): MessageTrace | undefined {
    let trace = received;
    const message = batch.messages[index];
    const applied = pipeline.pendingTrace;
    flight?.done.add(pipeline.id);
    if (message && applied !== undefined && rows.length > 0) {
      if (trace === undefined) {
        trace = MessageTrace.first(this.options.connection, message, applied);
        pipeline.pendingTrace = undefined;
      } else if (trace.adopt(applied, message)) pipeline.pendingTrace = undefined;
    }
    const processed = trace?.processed(pipeline, startedAtMs, rows.length);
    if (rows.length > 0) this.#publish(pipeline, rows, batch, index, processed, flight);
    return trace;
  }

  /** The same, once the functions that the pipeline calls have answered. */
  #await(
    pipeline: RunningPipeline,
    decoded: DecodedMessage,
    batch: Batch,
    index: number,
    flight: InFlight | undefined,
    received: MessageTrace | undefined,
  ): void {
    const startedAtMs = Date.now();
    const startedMs = performance.now();
    this.#awaited++;
    if (flight) flight.open++;
    pipeline.awaited?.evaluate(decoded, (outcome) => {
      this.#awaited--;
      if ('error' in outcome) {
        received?.processed(pipeline, startedAtMs, 0, outcome.error);
        this.#failed(pipeline, batch, index, outcome.error, flight);
      } else {
        const trace = this.#evaluated(pipeline, outcome.rows, batch, index, flight, received, startedAtMs);
        if (trace !== received) trace?.end();
      }
      pipeline.sink.flush();
      if (flight) this.#settleOne(flight);
      else {
        const nowMs = performance.now();
        pipeline.counters.latency.record(nowMs - startedMs, 1, nowMs);
        this.#releaseIfIdle();
      }
    });
  }

  #publish(
    pipeline: RunningPipeline,
    rows: readonly OutputRow[],
    batch: Batch,
    index: number,
    processed: string | undefined,
    flight: InFlight | undefined,
  ): void {
    const message = batch.messages[index];
    if (!message) return;
    const { counters, sink, durable } = pipeline;
    const span = processed === undefined ? undefined : startPublish(pipeline, processed);
    for (let r = 0; r < rows.length; r++) {
      const row = rows[r] as OutputRow;
      const plain = !durable && message.sequence === undefined && row.headers === undefined;
      try {
        let block = plain
          ? pipeline.headers
          : pipeline.headersOf(message, row, r, this.options.reader.sourceIncarnation);
        if (span) block = block.with(headers.traceparent, traceparentOf(span));
        const output = { subject: row.subject ?? pipeline.subject, data: row.data, headers: block };
        if (flight || durable) {
          sink.publish(output, (error) => this.#confirmed(pipeline, batch, index, flight, error, span));
          if (flight) flight.open++;
        } else {
          sink.publish(output);
          counters.messagesOut++;
        }
      } catch (error) {
        if (span) recordError(span, error);
        this.#failed(pipeline, batch, index, error, flight);
      }
    }
    if (!flight && !durable) span?.end();
  }

  #confirmed(
    pipeline: RunningPipeline,
    batch: Batch,
    index: number,
    flight: InFlight | undefined,
    error: ConnectorError | undefined,
    span: PublishSpan | undefined,
  ): void {
    if (error) {
      if (span) recordError(span, error);
      this.#failed(pipeline, batch, index, error, flight);
    } else pipeline.counters.messagesOut++;
    span?.end();
    if (flight) this.#settleOne(flight);
  }

  #undecodable(batch: Batch, index: number, error: DecodeError, flight: InFlight | undefined): void {
    for (const { counters } of this.pipelines) {
      counters.messagesIn++;
      counters.errors++;
      counters.lastError = error.message;
    }
    this.#apply(this.options.onError, undefined, batch, index, error.message, flight);
  }

  #failed(pipeline: RunningPipeline, batch: Batch, index: number, error: unknown, flight: InFlight | undefined): void {
    const known = error instanceof RowError || error instanceof ConnectorError;
    const reason = known
      ? error.message
      : `the query failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
    pipeline.counters.errors++;
    pipeline.counters.lastError = reason;
    // A row that was not confirmed because its connection is gone is no fault of the row: it comes again.
    const onError = error instanceof ConnectorError && error.steer === 'blocked' ? 'retry' : pipeline.spec.onError;
    this.#apply(onError, pipeline, batch, index, reason, flight);
  }

  #apply(
    onError: OnError,
    pipeline: RunningPipeline | undefined,
    batch: Batch,
    index: number,
    reason: string,
    flight: InFlight | undefined,
  ): void {
    switch (onError) {
      case 'skip':
        return;
      case 'retry':
        if (flight) this.#askAgain(flight, pipeline);
        return;
      case 'stop':
        this.abandon();
        this.options.onStop(reason);
        return;
      case 'dead_letter':
        this.#deadLetter(pipeline, batch, index, reason, flight);
    }
  }

  /** The message is to be delivered again, for this pipeline at least. */
  #askAgain(flight: InFlight, pipeline: RunningPipeline | undefined): void {
    const delivered = flight.batch.messages[flight.index]?.delivered ?? 1;
    flight.retryMs = retryDelaysMs[Math.min(delivered, retryDelaysMs.length) - 1];
    if (pipeline) flight.done.delete(pipeline.id);
    else flight.done.clear();
  }

  #deadLetter(
    pipeline: RunningPipeline | undefined,
    batch: Batch,
    index: number,
    error: string,
    flight: InFlight | undefined,
  ): void {
    const message = batch.messages[index];
    if (!message) return;
    const { connection, connectionRevision, deadLetters, reader } = this.options;
    const { sourceIncarnation } = reader;
    const definitionRevision = pipeline?.spec.definitionRevision ?? connectionRevision;
    const concerned = pipeline ? [pipeline] : this.pipelines;
    if (flight) flight.open++;
    const letter = { connection, pipeline: pipeline?.spec.name, definitionRevision, message, sourceIncarnation, error };
    deadLetters.publish(letter, (failure) => {
      for (const { counters } of concerned) {
        if (failure) counters.lastError = `the dead letter was not kept: ${failure.message}`;
        else counters.deadLetters++;
      }
      if (!flight) return;
      if (failure) this.#askAgain(flight, pipeline);
      this.#settleOne(flight);
    });
  }

  #settleOne(flight: InFlight): void {
    if (--flight.open > 0 || this.#inFlight.get(flight.sequence) !== flight) return;
    this.#inFlight.delete(flight.sequence);
    const nowMs = performance.now();
    if (flight.retryMs === undefined) {
      flight.batch.ack(flight.index);
      if (this.#finished.size > 0) this.#finished.delete(flight.sequence);
      for (const { counters } of this.pipelines) counters.latency.record(nowMs - flight.startedMs, 1, nowMs);
    } else {
      this.#remember(flight);
      flight.batch.nak(flight.index, flight.retryMs);
    }
    this.#releaseIfIdle();
  }

  #remember({ sequence, done }: InFlight): void {
    if (this.#finished.size >= rememberedMax) {
      const [oldest] = this.#finished.keys();
      if (oldest !== undefined) this.#finished.delete(oldest);
    }
    this.#finished.set(sequence, done);
  }

  #releaseIfIdle(): void {
    if (this.#inFlight.size === 0 && this.#awaited === 0) this.#release();
  }

  #release(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
