import { jsonCodec, type Message } from '@laminar/codecs';
import { type Batch, ConnectorError, noLog, type OutputMessage, type Sink } from '@laminar/connectors';
import type { OnError, Redelivery } from '@laminar/definitions';
import { headers } from '@laminar/protocol';
import { bindQuery, type CompiledQuery, type UserFunction } from '@laminar/sql';
import type { GivenUp } from '../dead-letters/slot-dead-letters.js';
import { AwaitedEvaluations } from '../delivery/awaited-evaluations.js';
import { CounterRegistry, type PipelineCounters } from '../delivery/counters.js';
import { Delivery } from '../delivery/delivery.js';
import { RunningPipeline } from '../delivery/pipeline.js';
import type { Repeats } from '../delivery/repeats/repeats.js';
import { TraceSampler } from '../delivery/trace-sampler.js';
import type { PipelineSpec } from '../desired/slot.js';
import { DeadLetterLog } from '../logs/dead-letter-log.js';

export const away = new ConnectorError('blocked', 'the sink is away');
export const tooLarge = 'too large';

/** Settles rows when it is told to, and takes none that is too large. */
export class ToldSink implements Sink {
  readonly problem = undefined;
  /** Everything that was published, in order. */
  readonly published: string[] = [];
  /** Resolves when it can take more; undefined for now. */
  room: Promise<void> | undefined;
  #waiting: { readonly text: string; readonly id: string | undefined; settle(error?: ConnectorError): void }[] = [];

  /** Message ids of what waits. */
  get ids(): (string | undefined)[] {
    return this.#waiting.map(({ id }) => id);
  }

  async open(): Promise<void> {}

  publish({ data, headers: block }: OutputMessage, settle: (error?: ConnectorError) => void = () => undefined): void {
    const text = Buffer.from(data).toString();
    if (text === tooLarge) throw new ConnectorError('failed', 'the row is too large');
    this.published.push(text);
    this.#waiting.push({ text, id: block.find(headers.messageId), settle });
  }

  /** Settles the first row of this text that waits. */
  settle(text: string, error?: ConnectorError): void {
    const place = this.#waiting.findIndex((waiting) => waiting.text === text);
    if (place < 0) throw new Error(`no row ${text} waits`);
    const [settled] = this.#waiting.splice(place, 1);
    settled?.settle(error);
  }

  ready(): Promise<void> | undefined {
    return this.room;
  }
  flush(): void {}
  async confirmed(): Promise<void> {}
  async close(): Promise<void> {}
}

/** What became of the messages of batches, in order: `ack 1`, `nak 1`. */
class Settled {
  readonly outcomes: string[] = [];

  /** Messages of these sequences, delivered so many times; without a sequence they are of core NATS. */
  batch(sequences: readonly (number | undefined)[], delivered = 1): Batch {
    const messages = sequences.map((sequence) => messageOf(sequence, delivered));
    const note = (what: string) => (index: number) => void this.outcomes.push(`${what} ${sequences[index]}`);
    return { messages, ack: note('ack'), nak: note('nak'), term: note('term'), working: () => undefined };
  }
}

function messageOf(sequence: number | undefined, delivered: number): Message {
  const isStored = sequence !== undefined;
  return {
    data: Buffer.from(JSON.stringify({ n: sequence ?? 0 })),
    subject: 's',
    reply: undefined,
    headers: () => undefined,
    header: () => undefined,
    timestampMs: 0,
    sequence,
    stream: isStored ? 'S' : undefined,
    consumer: isStored ? 'c' : undefined,
    delivered: isStored ? delivered : undefined,
  };
}

const ask: UserFunction = { name: 'ask', arguments: [], returns: 'JSON', language: 'nats', body: 'ask' };

export interface ToldQuery {
  /** The rows of any message; throws what it is to fail with. */
  readonly rows: () => readonly string[];
  readonly onError?: OnError;
  /** Waited for before there are rows. */
  readonly answer?: Promise<Uint8Array>;
}

/** Gives the rows that a test says, to a sink that confirms them by their ids. */
class ToldPipeline extends RunningPipeline {
  override readonly durable = true;
  override readonly query: CompiledQuery;
  override readonly awaited: AwaitedEvaluations | undefined;

  constructor(name: string, sink: Sink, counters: PipelineCounters, { rows, onError, answer }: ToldQuery) {
    const functions = { call: () => answer ?? Promise.reject(new Error('nobody is asked')) };
    super(specOf(name, onError ?? 'dead_letter'), counters, sink, undefined, 'session', functions, undefined);
    this.query = {
      process: (_, results) => {
        if (answer) results?.get(ask, '[]');
        return rows().map((text) => ({ data: Buffer.from(text), subject: undefined, headers: undefined }));
      },
    };
    this.awaited = answer && new AwaitedEvaluations(this.query, functions);
  }
}

function specOf(name: string, onError: OnError): PipelineSpec {
  const bound = bindQuery('SELECT n FROM c', {
    get: () => ({ kind: 'source', name: 'c', jetstream: true, format: 'json' }),
    names: () => ['c'],
  });
  if (bound.status !== 'bound') throw new Error(bound.reason);
  const cause = { traceparent: '', atMs: 0 };
  return {
    name,
    connection: 'c',
    incarnation: 7,
    createdAtMs: 0,
    ownReading: undefined,
    definitionRevision: 7,
    revision: 7,
    cause,
    query: bound.query,
    onError,
    sink: undefined,
  };
}

export interface DeliveryStageOptions {
  readonly ackWaitMs: number | undefined;
  readonly redelivery?: Redelivery;
  /** What is said of rows that may be out; nothing is, unless given. */
  readonly find?: Repeats['find'];
  readonly inOrder?: boolean;
}

/** A delivery on its own: what it reads, where it publishes and what its pipelines give is up to the test. */
export class DeliveryStage {
  readonly counters = new CounterRegistry();
  readonly settled = new Settled();
  readonly letters: { readonly givenUp: GivenUp; settle(failure?: ConnectorError): void }[] = [];
  readonly lines: string[] = [];
  readonly stops: string[] = [];
  readonly delivery: Delivery;

  constructor(options: DeliveryStageOptions) {
    const log = { write: (level: string, message: string) => void this.lines.push(`${level}: ${message}`) };
    this.delivery = new Delivery({
      connection: 'c',
      onError: 'dead_letter',
      reader: { sourceIncarnation: 'i', repeatsUntilMs: Number.NEGATIVE_INFINITY },
      repeats: {
        known: (pipeline) => (options.find ? undefined : { pipeline, published: undefined }),
        find: options.find ?? (async (pipeline) => ({ pipeline, published: undefined })),
      },
      inOrder: options.inOrder ?? false,
      codec: jsonCodec,
      deadLetters: {
        publish: (givenUp, settle) => void this.letters.push({ givenUp, settle }),
        ready: () => undefined,
      },
      redelivery: options.redelivery,
      sampler: new TraceSampler(0, Math.random, Date.now),
      log,
      deadLetterLog: new DeadLetterLog(noLog),
      ackWaitMs: options.ackWaitMs,
      onStop: (reason) => void this.stops.push(reason),
    });
  }

  pipeline(name: string, query: ToldQuery): { pipeline: RunningPipeline; sink: ToldSink; counters: PipelineCounters } {
    const sink = new ToldSink();
    const counters = this.counters.pipeline(name, 7);
    return { pipeline: new ToldPipeline(name, sink, counters, query), sink, counters };
  }

  /** Messages come, by their sequences. */
  come(sequences: readonly (number | undefined)[], delivered?: number): void {
    this.delivery.process(this.settled.batch(sequences, delivered));
  }
}
