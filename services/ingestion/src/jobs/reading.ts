import { type Batch, ConnectorError, type Reader } from '@laminar/connectors';
import type { Delivery } from '../delivery/delivery.js';
import type { RunningPipeline } from '../delivery/pipeline.js';

/** What is in flight at a swap or a stop may take that long to be confirmed; after that it is left to come again. */
const drainTimeoutMs = 3000;
/** How often, in a consumer's `ack_wait`, the redelivery of what is held is put off. */
const keepAlivesPerAckWait = 6;

/** The reader of an open connection and the pipelines that its batches go through, from the first batch to the last. */
export class Reading {
  /** The next batch waits while this is set. */
  #held: Promise<void> | undefined;
  #endWaitForSinks: () => void = () => undefined;
  #tickedMs = performance.now();

  constructor(
    readonly reader: Reader,
    readonly delivery: Delivery,
    /** Undefined where nothing is acknowledged. */
    readonly ackWaitMs: number | undefined,
  ) {}

  get pipelines(): readonly RunningPipeline[] {
    return this.delivery.pipelines;
  }

  /** Reads until the reader ends, by `stop` or with its connection. Throws `ConnectorError`. */
  async run(): Promise<void> {
    this.#tickedMs = performance.now();
    const tick = this.ackWaitMs && setInterval(() => this.#keepAlive(), this.ackWaitMs / keepAlivesPerAckWait);
    try {
      for (;;) {
        const batch = await this.reader.read();
        if (!batch) break;
        if (this.#held) await this.#passHold(batch);
        this.#checkStall();
        this.delivery.process(batch);
        const sinksReady = this.delivery.ready();
        if (sinksReady) await this.#waitForSinks(sinksReady);
      }
      await this.delivery.drained();
    } finally {
      clearInterval(tick);
    }
  }

  /** Other pipelines take over between two batches, when those before are done with what is in flight. */
  async swap(next: readonly RunningPipeline[]): Promise<void> {
    let letGo: () => void = () => undefined;
    this.#held = new Promise((resolve) => {
      letGo = resolve;
    });
    this.#endWaitForSinks();
    const timer = setTimeout(() => this.delivery.forget(), drainTimeoutMs);
    try {
      await this.delivery.drained();
      this.delivery.pipelines = next;
    } finally {
      clearTimeout(timer);
      this.#held = undefined;
      letGo();
    }
  }

  /** Ends `run` once what was received is done with, or given up after a while. */
  async stop(): Promise<void> {
    this.#endWaitForSinks();
    const timer = setTimeout(() => this.abandon(), drainTimeoutMs);
    try {
      await this.reader.stop();
      await this.delivery.drained();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Leaves what is in flight to come again, here or elsewhere. */
  abandon(): void {
    this.delivery.abandon();
    this.#endWaitForSinks();
  }

  /** Messages that are held must not be delivered to somebody else meanwhile. */
  async #passHold(batch: Batch): Promise<void> {
    for (let i = 0; i < batch.messages.length; i++) batch.working(i);
    while (this.#held) await this.#held;
  }

  /** A swap and a stop end the wait, since the sink that is waited for may never be ready again. */
  #waitForSinks(ready: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      this.#endWaitForSinks = resolve;
      void ready.then(() => resolve());
    });
  }

  #keepAlive(): void {
    this.#tickedMs = performance.now();
    this.delivery.keepAlive();
    this.reader.keepAlive();
  }

  /** A process that did not get to run for so long holds messages that somebody else may have by now. */
  #checkStall(): void {
    if (this.ackWaitMs === undefined) return;
    const stalledMs = performance.now() - this.#tickedMs;
    if (stalledMs > this.ackWaitMs / 2) {
      const seconds = (stalledMs / 1000).toFixed(1);
      throw new ConnectorError('blocked', `the process stood still for ${seconds} s; what it held is read again`);
    }
  }
}
