import { DecodeError, type MessageCodec } from '@laminar/codecs';
import { type Batch, ConnectorError, type Reader } from '@laminar/connectors';
import type { OnError, Redelivery } from '@laminar/definitions';
import { headers } from '@laminar/protocol';
import { type DecodedMessage, decodedMessage, type OutputRow, RowError } from '@laminar/sql';
import { isSampled, recordError, traceparentOf } from '@laminar/telemetry';
import type { SlotDeadLetters } from '../dead-letters/slot-dead-letters.js';
import type { DeadLetterLog } from '../logs/dead-letter-log.js';
import { MessageTrace, producerTrace, startPublish } from './message-trace.js';
import type { RunningPipeline } from './pipeline.js';
import { redeliveryDelayMs } from './redelivery.js';
import type { TraceSampler } from './trace-sampler.js';

/** What its sink could not take, and is held for that, is tried again that often. */
const heldRetryMs = 1000;
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
  /** A pipeline's rows, or a dead letter, could not be taken, which is no fault of the message: it is tried again here. */
  held: boolean;
  /** Pipelines that need not see the message again. */
  readonly done: Set<string>;
}

const newFlight = (batch: Batch, index: number, sequence: number, startedMs: number): InFlight => ({
  batch,
  index,
  sequence,
  startedMs,
  open: 1,
  retryMs: undefined,
  held: false,
  done: new Set(),
});

type PublishSpan = ReturnType<typeof startPublish>;

export interface DeliveryOptions {
  readonly connection: string;
  readonly onError: OnError;
  readonly reader: Reader;
  readonly codec: MessageCodec;
  readonly deadLetters: SlotDeadLetters;
  /** Undefined where nothing is delivered again: what should be is a dead letter at once. */
  readonly redelivery: Redelivery | undefined;
  readonly sampler: TraceSampler;
  readonly deadLetterLog: DeadLetterLog;
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
  #heldTimer: NodeJS.Timeout | undefined;
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
      // A message that is not tracked is done when its batch is.
      if (messages[0]?.sequence === undefined && !awaited)
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

  /** Takes what is in flight back from the sinks, which confirm it no more, and holds it until `resume`; `drained` waits for it no longer. */
  recall(): void {
    clearTimeout(this.#heldTimer);
    this.#heldTimer = undefined;
    // What a sink still says of the former flight counts no more.
    for (const [sequence, { batch, index, startedMs }] of this.#inFlight)
      this.#inFlight.set(sequence, { ...newFlight(batch, index, sequence, startedMs), open: 0, held: true });
    this.#forgetAwaited();
    this.#release();
  }

  /** Goes on with what was recalled, by the pipelines of now. */
  resume(): void {
    this.#tryHeld();
  }

  /** Lets go of what is in flight: it was not acknowledged and comes again. */
  forget(): void {
    clearTimeout(this.#heldTimer);
    this.#heldTimer = undefined;
    this.#inFlight.clear();
    this.#forgetAwaited();
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
    const flight = newFlight(batch, index, sequence, startedMs);
    this.#inFlight.set(sequence, flight);
    this.#evaluate(batch, index, flight);
    this.#settleOne(flight);
  }

  /** Tries again what is held, by the pipelines that are not done with it. */
  #tryHeld(): void {
    this.#heldTimer = undefined;
    for (const flight of [...this.#inFlight.values()]) {
      if (!flight.held || flight.open > 0 || this.#stopped) continue;
      flight.held = false;
      flight.open = 1;
      this.#evaluate(flight.batch, flight.index, flight, flight.done);
      this.#settleOne(flight);
    }
    for (const { sink } of this.pipelines) sink.flush();
  }

  /** `doneBefore` are the pipelines that were done with this very delivery before. */
  #evaluate(batch: Batch, index: number, flight: InFlight | undefined, doneBefore?: ReadonlySet<string>): void {
    const message = batch.messages[index];
    if (!message) return;
    const decoded = decodedMessage(message, this.options.codec);
    const finished = flight && (message.delivered ?? 1) > 1 ? this.#finished.get(flight.sequence) : undefined;
    const producer = producerTrace(message);
    // The producer decides where it traces, too.
    const isTraced = producer === undefined ? this.options.sampler.take() : isSampled(producer);
    let trace = isTraced ? new MessageTrace(this.options.connection, message, producer) : undefined;
    const { pipelines } = this;
    for (const pipeline of pipelines) {
      if (doneBefore?.has(pipeline.id)) continue;
      if (finished?.has(pipeline.id) && !pipeline.spec.query.readsDelivered) {
        flight?.done.add(pipeline.id);
        continue;
      }
      if (doneBefore === undefined) pipeline.counters.messagesIn++;
      const applied = pipeline.pendingTrace;
      const startedAtMs = trace || applied !== undefined ? Date.now() : 0;
      let rows: readonly OutputRow[];
      try {
        if (pipeline.awaited) {
          decoded.check();
          this.#await(pipeline, decoded, batch, index, flight, trace);
          continue;
        }
        rows = pipeline.query.process(decoded);
      } catch (error) {
        trace?.processed(pipeline, startedAtMs, 0, error);
        if (error instanceof DecodeError) {
          // Whoever was asked before dropped the message without reading it: no row comes of what cannot be decoded.
          this.#undecodable(batch, index, error, flight, pipelines.slice(pipelines.indexOf(pipeline) + 1));
          break;
        }
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
    const { counters, output: sink, durable } = pipeline;
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

  /** `unasked` are the pipelines that have not seen the message. */
  #undecodable(
    batch: Batch,
    index: number,
    error: DecodeError,
    flight: InFlight | undefined,
    unasked: readonly RunningPipeline[],
  ): void {
    for (const { counters } of unasked) counters.messagesIn++;
    for (const { counters } of this.pipelines) {
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
    // A row that was not confirmed because its connection is gone is no fault of the row, and costs the message no delivery.
    if (error instanceof ConnectorError && error.steer === 'blocked') {
      if (flight) this.#hold(flight, pipeline);
    } else this.#apply(pipeline.spec.onError, pipeline, batch, index, reason, flight);
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
        if (flight) this.#finish(flight, pipeline);
        return;
      case 'retry':
        if (flight === undefined || !this.#askAgain(flight, pipeline))
          this.#deadLetter(pipeline, batch, index, reason, flight);
        return;
      case 'stop':
        this.abandon();
        this.options.onStop(reason);
        return;
      case 'dead_letter':
        this.#deadLetter(pipeline, batch, index, reason, flight);
    }
  }

  /** The pipeline, or each of them, is done with the message. */
  #finish(flight: InFlight, pipeline: RunningPipeline | undefined): void {
    for (const { id } of pipeline ? [pipeline] : this.pipelines) flight.done.add(id);
  }

  #unfinish(flight: InFlight, pipeline: RunningPipeline | undefined): void {
    if (pipeline) flight.done.delete(pipeline.id);
    else flight.done.clear();
  }

  /** The message is to be delivered again, for this pipeline at least; false where there is no delivery left. */
  #askAgain(flight: InFlight, pipeline: RunningPipeline | undefined): boolean {
    const { redelivery } = this.options;
    const delayMs = redelivery && redeliveryDelayMs(redelivery, flight.batch.messages[flight.index]?.delivered ?? 1);
    if (delayMs === undefined) return false;
    flight.retryMs = delayMs;
    this.#unfinish(flight, pipeline);
    return true;
  }

  /** The message stays here, kept from redelivery, until this pipeline is done with it. */
  #hold(flight: InFlight, pipeline: RunningPipeline | undefined): void {
    flight.held = true;
    this.#unfinish(flight, pipeline);
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
    const { deadLetters, deadLetterLog } = this.options;
    const concerned = pipeline ? [pipeline] : this.pipelines;
    if (flight) {
      flight.open++;
      this.#finish(flight, pipeline);
    }
    deadLetters.publish({ pipeline: pipeline?.spec, message, error }, (failure) => {
      for (const { counters } of concerned) {
        if (failure) counters.lastError = `the dead letter was not kept: ${failure.message}`;
        else counters.deadLetters++;
      }
      if (!failure)
        deadLetterLog.kept({ pipeline: pipeline?.spec.name, subject: message.subject, sequence: message.sequence });
      if (!flight) return;
      if (failure) this.#hold(flight, pipeline);
      this.#settleOne(flight);
    });
  }

  #settleOne(flight: InFlight): void {
    if (--flight.open > 0 || this.#inFlight.get(flight.sequence) !== flight) return;
    if (flight.held && flight.retryMs === undefined) {
      this.#heldTimer ??= setTimeout(() => this.#tryHeld(), heldRetryMs);
      return;
    }
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

  #forgetAwaited(): void {
    this.#awaited = 0;
    for (const { awaited } of this.pipelines) awaited?.clear();
  }

  #release(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
