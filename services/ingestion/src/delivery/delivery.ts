import { DecodeError } from '@laminar/codecs';
import { type Batch, ConnectorError, type Reader } from '@laminar/connectors';
import type { OnError } from '@laminar/definitions';
import { headers } from '@laminar/protocol';
import { decodedMessage, type OutputRow, RowError } from '@laminar/sql';
import type { DeadLetters } from './dead-letters.js';
import { isTraced, MessageTrace, producerTrace } from './message-trace.js';
import type { RunningPipeline } from './pipeline.js';

/** Delays of redelivery after a row error under `on_error = 'retry'`, by delivery. */
const retryDelaysMs = [1000, 2000, 5000, 10_000, 30_000];
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
  done: string[];
}

export interface DeliveryOptions {
  readonly connection: string;
  readonly connectionRevision: number;
  readonly onError: OnError;
  readonly reader: Reader;
  readonly deadLetters: DeadLetters;
  readonly traceRatio: number;
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
  readonly #finished = new Map<number, readonly string[]>();
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
    for (const { sink, counters } of this.pipelines) {
      sink.flush();
      // Without acknowledgements a message is done when its batch is.
      if (this.options.ackWaitMs === undefined) counters.latency.record(nowMs - startedMs, messages.length, nowMs);
    }
  }

  /** Resolves when the sinks can take more; undefined means now. */
  ready(): Promise<unknown> | undefined {
    let waits: Promise<void>[] | undefined;
    for (const { sink } of this.pipelines) {
      const wait = sink.ready();
      if (wait) waits = [...(waits ?? []), wait];
    }
    return waits && Promise.all(waits);
  }

  /** Resolves when nothing is in flight. */
  drained(): Promise<void> {
    if (this.#inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Puts off the redelivery of what is held. */
  keepAlive(): void {
    const { ackWaitMs = 0 } = this.options;
    const before = performance.now() - ackWaitMs / 3;
    for (const { batch, index, startedMs } of this.#inFlight.values()) if (startedMs < before) batch.working(index);
  }

  /** Forgets what is in flight: it was not acknowledged and comes again. */
  abandon(): void {
    this.#stopped = true;
    this.#inFlight.clear();
    this.#release();
  }

  #track(batch: Batch, index: number, startedMs: number): void {
    const message = batch.messages[index];
    const sequence = message?.sequence ?? 0;
    // Delivered again before it was done: the first delivery's acknowledgement counts for both.
    if (this.#inFlight.has(sequence)) return;
    const flight: InFlight = { batch, index, sequence, startedMs, open: 1, retryMs: undefined, done: [] };
    this.#inFlight.set(sequence, flight);
    this.#evaluate(batch, index, flight);
    this.#settleOne(flight);
  }

  #evaluate(batch: Batch, index: number, flight: InFlight | undefined): void {
    const message = batch.messages[index];
    if (!message) return;
    const decoded = decodedMessage(message);
    const finished = flight && (message.delivered ?? 1) > 1 ? this.#finished.get(flight.sequence) : undefined;
    const producer = producerTrace(message);
    let trace = isTraced(producer, this.options.traceRatio)
      ? new MessageTrace(this.options.connection, message, producer, [])
      : undefined;
    for (const pipeline of this.pipelines) {
      if (finished?.includes(pipeline.spec.name) && !pipeline.spec.query.readsDelivered) {
        flight?.done.push(pipeline.spec.name);
        continue;
      }
      pipeline.counters.messagesIn++;
      let rows: readonly OutputRow[];
      try {
        rows = pipeline.query.process(decoded);
      } catch (error) {
        if (error instanceof DecodeError) {
          this.#undecodable(batch, index, error, flight);
          break;
        }
        this.#failed(pipeline, batch, index, error, flight);
        continue;
      }
      if (pipeline.pendingTrace !== undefined && rows.length > 0)
        trace ??= this.#firstTrace(pipeline, batch, index, producer);
      const traceparent = trace?.pipeline(pipeline, rows.length);
      if (rows.length > 0) this.#publish(pipeline, rows, batch, index, traceparent, flight);
      flight?.done.push(pipeline.spec.name);
    }
    trace?.end();
  }

  /** The first message after a definition was applied belongs to the request's trace; one with a trace of its own is linked to it. */
  #firstTrace(
    pipeline: RunningPipeline,
    batch: Batch,
    index: number,
    producer: string | undefined,
  ): MessageTrace | undefined {
    const message = batch.messages[index];
    const applied = pipeline.pendingTrace;
    pipeline.pendingTrace = undefined;
    if (!message || applied === undefined) return undefined;
    return new MessageTrace(
      this.options.connection,
      message,
      producer ?? applied,
      producer === undefined ? [] : [applied],
    );
  }

  #publish(
    pipeline: RunningPipeline,
    rows: readonly OutputRow[],
    batch: Batch,
    index: number,
    traceparent: string | undefined,
    flight: InFlight | undefined,
  ): void {
    const message = batch.messages[index];
    if (!message) return;
    const { counters, sink, durable } = pipeline;
    for (let r = 0; r < rows.length; r++) {
      const row = rows[r] as OutputRow;
      const plain = !durable && message.sequence === undefined && row.headers === undefined;
      let block = plain ? pipeline.headers : pipeline.headersOf(message, row, r, this.options.reader.sourceIncarnation);
      if (traceparent !== undefined) block = block.with(headers.traceparent, traceparent);
      const output = { subject: row.subject ?? pipeline.subject, data: row.data, headers: block };
      try {
        if (flight) {
          flight.open++;
          sink.publish(output, (error) => this.#confirmed(pipeline, batch, index, flight, error));
        } else {
          sink.publish(output);
          counters.messagesOut++;
        }
      } catch (error) {
        if (flight) flight.open--;
        this.#failed(pipeline, batch, index, error, flight);
      }
    }
  }

  #confirmed(
    pipeline: RunningPipeline,
    batch: Batch,
    index: number,
    flight: InFlight,
    error: ConnectorError | undefined,
  ): void {
    if (error) this.#failed(pipeline, batch, index, error, flight);
    else pipeline.counters.messagesOut++;
    this.#settleOne(flight);
  }

  #undecodable(batch: Batch, index: number, error: DecodeError, flight: InFlight | undefined): void {
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
    const message = batch.messages[index];
    if (!message) return;
    switch (onError) {
      case 'skip':
        return;
      case 'retry':
        if (flight) flight.retryMs = retryDelaysMs[Math.min((message.delivered ?? 1) - 1, retryDelaysMs.length - 1)];
        return;
      case 'stop':
        this.abandon();
        this.options.onStop(reason);
        return;
      case 'dead_letter': {
        const { connection, connectionRevision, deadLetters } = this.options;
        const definitionRevision = pipeline?.spec.definitionRevision ?? connectionRevision;
        if (flight) flight.open++;
        deadLetters.publish(
          { connection, pipeline: pipeline?.spec.name, definitionRevision, message, error: reason },
          (error) => {
            for (const { counters } of pipeline ? [pipeline] : this.pipelines) {
              if (error) counters.lastError = `the dead letter was not kept: ${error.message}`;
              else counters.deadLetters++;
            }
            if (flight && error) flight.retryMs = retryDelaysMs[0];
            if (flight) this.#settleOne(flight);
          },
        );
      }
    }
  }

  #settleOne(flight: InFlight): void {
    if (--flight.open > 0 || this.#inFlight.get(flight.sequence) !== flight) return;
    this.#inFlight.delete(flight.sequence);
    const nowMs = performance.now();
    if (flight.retryMs === undefined) {
      flight.batch.ack(flight.index);
      this.#finished.delete(flight.sequence);
      for (const { counters } of this.pipelines) counters.latency.record(nowMs - flight.startedMs, 1, nowMs);
    } else {
      this.#remember(flight);
      flight.batch.nak(flight.index, flight.retryMs);
    }
    if (this.#inFlight.size === 0) this.#release();
  }

  #remember({ sequence, done }: InFlight): void {
    if (this.#finished.size >= rememberedMax) {
      const [oldest] = this.#finished.keys();
      if (oldest !== undefined) this.#finished.delete(oldest);
    }
    this.#finished.set(sequence, done);
  }

  #release(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
