import { DecodeError, type Message, type MessageCodec } from '@laminar/codecs';
import type { Batch, ConnectionLog, Reader } from '@laminar/connectors';
import { type DecodedMessage, decodedMessage, type OutputRow } from '@laminar/sql';
import { isSampled } from '@laminar/telemetry';
import { type FailureOptions, Failures, hold } from './failures.js';
import type { Flight } from './flight.js';
import { Flights } from './flights.js';
import { GivenUp } from './given-up.js';
import { Held } from './held.js';
import { MessageTrace, producerTrace } from './message-trace.js';
import type { RunningPipeline } from './pipeline.js';
import { publishAtOnce, publishConfirmed, unpublished } from './publication.js';
import { Looks } from './repeats/looks.js';
import type { Finding, Repeats } from './repeats/repeats.js';
import type { TraceSampler } from './trace-sampler.js';
import { Turns } from './turns.js';

/** What is kept of a row beside its data until it is confirmed, about. */
const rowOverheadBytes = 200;

export interface DeliveryOptions extends FailureOptions {
  readonly connection: string;
  readonly reader: Pick<Reader, 'sourceIncarnation' | 'repeatsUntilMs'>;
  /** Looks which rows of a message are out that may have been processed before. */
  readonly repeats: Pick<Repeats, 'known' | 'find'>;
  /** Messages are processed in the order in which they come, whatever has to be waited for. */
  readonly inOrder: boolean;
  readonly codec: MessageCodec;
  readonly sampler: TraceSampler;
  readonly log: ConnectionLog;
  /** Undefined where messages are not acknowledged, and so do not come again. */
  readonly ackWaitMs: number | undefined;
}

/**
 * Takes batches through decode, queries and sinks, and settles each message when every pipeline is done with it: filtered out, or every row
 * confirmed. Nothing here waits; what is in flight is bounded by the sinks, the functions and the consumer.
 */
export class Delivery {
  pipelines: readonly RunningPipeline[] = [];
  /** Empty for readers whose messages have no sequence. */
  readonly #flights: Flights;
  readonly #failures: Failures;
  readonly #givenUp: GivenUp;
  readonly #looks: Looks;
  readonly #held: Held;
  /** Of messages that give several rows; a batch begins one. */
  readonly #turns = new Turns(() => this.ready());
  /** What is held waits for an output that could not be looked at. */
  #lookFailed = false;
  /** Evaluations that wait for functions. */
  #awaited = 0;
  #drained: (() => void)[] = [];
  #paused = false;
  #stopped = false;

  constructor(readonly options: DeliveryOptions) {
    this.#flights = new Flights({
      onHeld: () => this.#held.tryAll(),
      onAcknowledged: ({ startedMs }) => this.#recordLatency(startedMs),
      onIdle: () => this.#releaseIfIdle(),
    });
    const onStop = (reason: string) => {
      this.abandon();
      options.onStop(reason);
    };
    this.#failures = new Failures({ ...options, onStop }, this.#flights);
    this.#givenUp = new GivenUp(options.log);
    this.#held = new Held({
      flights: this.#flights,
      turns: this.#turns,
      isStopped: () => this.#paused || this.#stopped,
      holdsBack: () => options.inOrder && this.#looks.holdsBack,
      onBegin: () => {
        this.#lookFailed = false;
      },
      tryAgain: (flight) => this.#tryAgain(flight),
      onTried: () => {
        for (const { sink } of this.pipelines) sink.flush();
      },
    });
    this.#looks = new Looks({
      ...options,
      turns: this.#turns,
      sourceIncarnation: () => options.reader.sourceIncarnation,
      onNoneLeft: () => this.#held.goOn(),
    });
  }

  /**
   * Evaluates the messages of a batch from an index on, and publishes their rows. The index of the first that was not taken: after messages that gave many
   * rows the others wait for the sinks.
   */
  process(batch: Batch, from = 0): number {
    const { messages } = batch;
    const startedMs = performance.now();
    this.#turns.begin();
    let next = from;
    for (; next < messages.length && !this.#stopped && !this.#turns.isOver; next++) {
      const message = messages[next] as Message;
      if (message.sequence === undefined) this.#evaluate(this.pipelines, message, undefined);
      else this.#takeOff(batch, next, startedMs);
    }
    const nowMs = performance.now();
    const isUntracked = messages[0]?.sequence === undefined;
    for (const { sink, counters, awaited } of this.pipelines) {
      sink.flush();
      if (!isUntracked) continue;
      counters.messagesIn += next - from;
      // A message without a flight is done when its batch is.
      if (!awaited) counters.latency.record(nowMs - startedMs, next - from, nowMs);
    }
    return this.#stopped ? messages.length : next;
  }

  /** Resolves when the sinks and functions can take more; undefined means now. */
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

  /** Resolves when nothing is in flight and no function is waited for. */
  drained(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Puts off the redelivery of what has been in flight for a while. */
  keepAlive(): void {
    this.#flights.keepAlive(performance.now() - (this.options.ackWaitMs ?? 0) / 3);
  }

  /** What is held is not tried again until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on with what is held, by the pipelines of now. */
  resume(): void {
    this.#paused = false;
    this.#turns.hurry();
    this.#held.tryAll();
  }

  /**
   * Takes back what these pipelines wait for functions with, and leaves it to those that come in their place. A message without a flight is
   * nowhere any more: it is given up, which is counted and told. Rows that are out on their way stay there: their sinks say what becomes of them.
   */
  recall(pipelines: readonly RunningPipeline[]): void {
    for (const { awaited } of pipelines) awaited?.recall();
  }

  /** Lets go of what is in flight, which comes again, here or elsewhere, if its source has it; nothing more is taken. */
  abandon(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (!this.#comeAgain) {
      for (const flight of this.#flights.held())
        for (const pipeline of this.pipelines) if (flight.isOwedTo(pipeline.id)) this.#givenUp.count(pipeline);
    }
    this.recall(this.pipelines);
    this.#turns.hurry();
    this.#flights.forget();
  }

  /** What is not acknowledged is sent again. */
  get #comeAgain(): boolean {
    return this.options.ackWaitMs !== undefined;
  }

  get #isIdle(): boolean {
    return this.#flights.size === 0 && this.#awaited === 0;
  }

  #takeOff(batch: Batch, index: number, startedMs: number): void {
    const { pipelines } = this;
    const flight = this.#flights.take(batch, index, startedMs, pipelines);
    if (!flight) return;
    const done = this.#flights.doneBefore(flight);
    const concerned = done ? pipelines.filter(({ id, spec }) => !done.has(id) || spec.query.readsDelivered) : pipelines;
    for (const { counters } of concerned) counters.messagesIn++;
    const mayRepeat = this.#flights.mayRepeat(flight, this.options.reader.repeatsUntilMs);
    // Those that are held and wait for their turn come first.
    if (this.options.inOrder && this.#held.isTrying) this.#hold(flight, concerned, mayRepeat);
    else this.#start(flight, concerned, mayRepeat);
    this.#flights.closeOne(flight);
  }

  /** Evaluates the message, once it is known which of its rows are out where some may be. */
  #start(flight: Flight, pipelines: readonly RunningPipeline[], mayRepeat: boolean): void {
    const { inOrder } = this.options;
    if (inOrder && this.#lookFailed) this.#hold(flight, pipelines, mayRepeat);
    else if (mayRepeat && !(inOrder && this.#looks.holdsBack) && this.#looks.isFirst(flight, pipelines))
      this.#evaluate(pipelines, flight.message, flight);
    else if (mayRepeat) this.#looks.look(flight, pipelines, this.#afterLook(flight, pipelines, true));
    else if (inOrder && this.#looks.holdsBack) this.#looks.follow(pipelines, this.#afterLook(flight, pipelines, false));
    else this.#evaluate(pipelines, flight.message, flight);
  }

  /** Goes on with a message as its outputs say; where they do not, or where others came in the place of the pipelines meanwhile, it is held, and looked at again. */
  #afterLook(
    flight: Flight,
    pipelines: readonly RunningPipeline[],
    mayRepeat: boolean,
  ): (findings: readonly Finding[] | undefined) => void {
    const then = this.pipelines;
    flight.open++;
    return (findings) => {
      const goesOn = !this.#paused && !this.#stopped && this.pipelines === then;
      if (findings && goesOn && !(this.options.inOrder && this.#lookFailed)) {
        flight.published = publishedOf(findings);
        const versions = findings.map(({ pipeline }) => pipeline);
        this.#evaluate(versions, flight.message, flight);
      } else {
        this.#lookFailed = true;
        this.#hold(flight, pipelines, mayRepeat);
      }
      this.#flights.closeOne(flight);
      for (const { sink } of pipelines) sink.flush();
    };
  }

  #hold(flight: Flight, pipelines: readonly RunningPipeline[], mayRepeat: boolean): void {
    flight.uncertain = mayRepeat;
    for (const pipeline of pipelines) hold(flight, pipeline);
  }

  /** A message that is held is tried by the pipelines that are not done with it. */
  #tryAgain(flight: Flight): void {
    const { uncertain } = flight;
    const owed = this.pipelines.filter(({ id }) => flight.isOwedTo(id));
    for (const { id, counters } of owed) if (!flight.wasSeenBy(id)) counters.messagesIn++;
    flight.begin(this.pipelines);
    this.#start(flight, owed, uncertain);
    this.#flights.closeOne(flight);
  }

  #evaluate(pipelines: readonly RunningPipeline[], message: Message, flight: Flight | undefined): void {
    const decoded = decodedMessage(message, this.options.codec);
    const producer = producerTrace(message);
    // The producer decides where it traces, too.
    const isTraced = producer === undefined ? this.options.sampler.take(pipelines.length) : isSampled(producer);
    let trace = isTraced ? new MessageTrace(this.options.connection, message, producer) : undefined;
    for (const pipeline of pipelines) {
      if (this.#stopped) break;
      const startedAtMs = trace || pipeline.pendingTrace !== undefined ? Date.now() : 0;
      let rows: readonly OutputRow[];
      try {
        if (pipeline.awaited) {
          decoded.check();
          this.#await(pipeline, decoded, flight, trace);
          continue;
        }
        rows = pipeline.query.process(decoded);
      } catch (error) {
        trace?.processed(pipeline, startedAtMs, 0, error);
        if (error instanceof DecodeError) {
          // Whoever was asked before dropped the message without reading it: no row comes of what cannot be decoded.
          this.#failures.undecodable(pipelines, message, error, flight);
          break;
        }
        this.#failures.failed(pipeline, message, error, flight);
        continue;
      }
      trace = this.#evaluated(pipeline, message, rows, flight, trace, startedAtMs);
    }
    trace?.end();
  }

  /** Publishes what a pipeline made of a message. The message's trace, which begins here where the pipeline's first row is out with it. */
  #evaluated(
    pipeline: RunningPipeline,
    message: Message,
    rows: readonly OutputRow[],
    flight: Flight | undefined,
    received: MessageTrace | undefined,
    startedAtMs: number,
  ): MessageTrace | undefined {
    let trace = received;
    const applied = pipeline.pendingTrace;
    if (applied !== undefined && rows.length > 0) {
      if (trace === undefined) {
        trace = MessageTrace.first(this.options.connection, message, applied);
        pipeline.pendingTrace = undefined;
      } else if (trace.adopt(applied, message)) pipeline.pendingTrace = undefined;
    }
    const processed = trace?.processed(pipeline, startedAtMs, rows.length);
    if (rows.length > 0) this.#publish(pipeline, message, rows, flight, processed);
    return trace;
  }

  /** The same, once the functions that the pipeline calls have answered. */
  #await(
    pipeline: RunningPipeline,
    decoded: DecodedMessage,
    flight: Flight | undefined,
    received: MessageTrace | undefined,
  ): void {
    const { message } = decoded;
    const startedAtMs = Date.now();
    const startedMs = performance.now();
    this.#awaited++;
    if (flight) flight.open++;
    pipeline.awaited?.evaluate(decoded, (outcome) => {
      this.#awaited--;
      if (outcome === undefined) this.#recalled(pipeline, flight);
      else if ('error' in outcome) {
        received?.processed(pipeline, startedAtMs, 0, outcome.error);
        this.#failures.failed(pipeline, message, outcome.error, flight);
      } else {
        const trace = this.#evaluated(pipeline, message, outcome.rows, flight, received, startedAtMs);
        if (trace !== received) trace?.end();
      }
      pipeline.sink.flush();
      if (flight) this.#flights.closeOne(flight);
      else {
        const nowMs = performance.now();
        if (outcome !== undefined) pipeline.counters.latency.record(nowMs - startedMs, 1, nowMs);
        this.#releaseIfIdle();
      }
    });
  }

  #recalled(pipeline: RunningPipeline, flight: Flight | undefined): void {
    if (flight) hold(flight, pipeline);
    if (!flight || (this.#stopped && !this.#comeAgain)) this.#givenUp.count(pipeline);
  }

  #publish(
    pipeline: RunningPipeline,
    message: Message,
    rows: readonly OutputRow[],
    flight: Flight | undefined,
    processed: string | undefined,
  ): void {
    const { sourceIncarnation } = this.options.reader;
    if (rows.length > 1) for (const { data } of rows) this.#turns.spend(data.length + rowOverheadBytes);
    const published = flight?.published?.get(pipeline.id);
    const publishing = { pipeline, message, rows, sourceIncarnation, published, processed };
    if (published !== undefined) {
      const left = unpublished(publishing);
      pipeline.counters.duplicates += rows.length - left;
      if (left === 0) return;
    }
    if (!flight && !pipeline.durable) {
      const failure = publishAtOnce(publishing);
      if (failure !== undefined) this.#failures.failed(pipeline, message, failure, flight);
      return;
    }
    if (flight) flight.open++;
    publishConfirmed(publishing, (failure) => {
      if (failure !== undefined) {
        if (flight) flight.uncertain = true;
        this.#failures.failed(pipeline, message, failure, flight);
      }
      if (flight) this.#flights.closeOne(flight);
    });
  }

  #recordLatency(startedMs: number): void {
    const nowMs = performance.now();
    for (const { counters } of this.pipelines) counters.latency.record(nowMs - startedMs, 1, nowMs);
  }

  #releaseIfIdle(): void {
    if (this.#isIdle) for (const resolve of this.#drained.splice(0)) resolve();
  }
}

/** Places of the rows that are out, by the id of their pipeline. */
function publishedOf(findings: readonly Finding[]): Flight['published'] {
  const found = findings.flatMap(({ pipeline, published }) => (published ? [[pipeline.id, published] as const] : []));
  return found.length === 0 ? undefined : new Map(found);
}
