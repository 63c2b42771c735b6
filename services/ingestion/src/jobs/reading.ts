import { setImmediate } from 'node:timers/promises';
import { type Batch, ConnectorError, type Reader, within } from '@laminar/connectors';
import type { Delivery } from '../delivery/delivery.js';
import type { RunningPipeline } from '../delivery/pipeline.js';

/** What is in flight may take that long; after that a swap leaves it to those that take over, and a stop to come again. */
const drainTimeoutMs = 3000;
/** The same where nothing comes again: two calls of functions, one after the other, each at its own limit. A process that ends has 7 s in all. */
const lastDrainTimeoutMs = 5000;
/** How often, in a consumer's `ack_wait`, the redelivery of what is held is put off. */
const keepAlivesPerAckWait = 6;

/** The reader of an open connection and the pipelines that its batches go through, from the first batch to the last. */
export class Reading {
  /** The next batch waits while this is set. */
  #held: Promise<void> | undefined;
  /** Messages that nothing was made of yet: those of the batch from the index on. */
  #untaken: { readonly batch: Batch; readonly from: number } | undefined;
  #endHold: () => void = () => undefined;
  #suspended = false;
  #endWaitForSinks: () => void = () => undefined;
  #abandoned = false;
  #endRun: () => void = () => undefined;
  readonly #abandonment: Promise<void>;
  #stopTimer: NodeJS.Timeout | undefined;
  #tickedMs = performance.now();

  constructor(
    readonly reader: Reader,
    readonly delivery: Delivery,
    /** Undefined where nothing is acknowledged, and so nothing comes again. */
    readonly ackWaitMs: number | undefined,
  ) {
    this.#abandonment = new Promise((resolve) => {
      this.#endRun = resolve;
    });
  }

  get pipelines(): readonly RunningPipeline[] {
    return this.delivery.pipelines;
  }

  /** A sink is gone, and everything waits for the next swap. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** Reads until the reader ends, by `stop` or with its connection, and every row is out or given up. Throws `ConnectorError`. */
  async run(): Promise<void> {
    this.#tickedMs = performance.now();
    const tick = this.ackWaitMs && setInterval(() => this.#keepAlive(), this.ackWaitMs / keepAlivesPerAckWait);
    try {
      for (;;) {
        const batch = await this.reader.read();
        if (batch && this.#held) await this.#passHold(batch, 0);
        if (!batch || this.#abandoned) break;
        this.#checkStall();
        const taken = this.delivery.process(batch);
        if (taken < batch.messages.length) await this.#deliverRest(batch, taken);
        const sinksReady = this.delivery.ready();
        if (sinksReady && !this.#abandoned) await this.#waitForSinks(sinksReady);
      }
      await this.delivery.drained();
      await Promise.race([confirmed(this.pipelines), this.#abandonment]);
    } finally {
      clearInterval(tick);
      clearTimeout(this.#stopTimer);
    }
  }

  /**
   * Other pipelines take over between two batches, when those before are done with what is in flight and their rows are out, or have had their time
   * for it. Without any, messages that are to be acknowledged are held until there are some: nobody has seen them.
   */
  async swap(next: readonly RunningPipeline[]): Promise<void> {
    if (this.#suspended) {
      this.#takeOver(next);
      return;
    }
    this.#hold();
    this.#endWaitForSinks();
    const deadlineMs = performance.now() + this.#drainTimeoutMs;
    await within(this.#drainTimeoutMs, this.delivery.drained());
    const staying = new Set(next);
    const leaving = this.pipelines.filter((pipeline) => !staying.has(pipeline));
    this.delivery.recall(leaving);
    await within(Math.max(0, deadlineMs - performance.now()), confirmed(leaving));
    this.#takeOver(next);
  }

  /**
   * A sink is gone, and with it what it had not confirmed: until the next swap messages are held here, kept from redelivery, since that would cost
   * them deliveries that may be counted. Idempotent.
   */
  suspend(): void {
    if (this.#suspended) return;
    this.#suspended = true;
    this.#hold();
    this.delivery.pause();
    this.#endWaitForSinks();
  }

  /** Ends `run` once what was received is done with, or given up after a while. */
  async stop(): Promise<void> {
    this.#stopTimer = setTimeout(() => this.abandon(), this.#drainTimeoutMs);
    this.#endWaitForSinks();
    // Held for pipelines or sinks that do not come any more.
    if (this.pipelines.length === 0 || this.#suspended) this.abandon();
    await this.reader.stop();
  }

  /** Ends what is left, however the reading ended: what comes again is abandoned, what does not gets its time. */
  async end(): Promise<void> {
    if (this.ackWaitMs === undefined) await within(this.#drainTimeoutMs, this.delivery.drained());
    this.abandon();
  }

  /** Leaves what is in flight to come again, here or elsewhere, if it does. */
  abandon(): void {
    this.#abandoned = true;
    this.#endRun();
    this.delivery.abandon();
    this.#endWaitForSinks();
    this.#endHold();
  }

  get #drainTimeoutMs(): number {
    return this.ackWaitMs === undefined ? lastDrainTimeoutMs : drainTimeoutMs;
  }

  #takeOver(next: readonly RunningPipeline[]): void {
    this.delivery.pipelines = next;
    if (next.length === 0 && this.ackWaitMs !== undefined) return;
    this.#suspended = false;
    this.delivery.resume();
    this.#endHold();
  }

  #hold(): void {
    this.#held ??= new Promise((resolve) => {
      this.#endHold = () => {
        this.#held = undefined;
        resolve();
      };
    });
  }

  /** What is left of a batch whose messages give many rows, a part at a time, as the sinks can take it. */
  async #deliverRest(batch: Batch, from: number): Promise<void> {
    for (let next = from; next < batch.messages.length; next = this.delivery.process(batch, next)) {
      this.#untaken = { batch, from: next };
      // Lets go out what was published.
      await setImmediate();
      const sinksReady = this.delivery.ready();
      if (sinksReady && !this.#abandoned) await this.#waitForSinks(sinksReady);
      await this.#passHold(batch, next);
      if (this.#abandoned) return;
      this.#checkStall();
    }
  }

  async #passHold(batch: Batch, from: number): Promise<void> {
    this.#untaken = { batch, from };
    while (this.#held) await this.#held;
    this.#untaken = undefined;
  }

  /** A swap and a stop end the wait, since the sink that is waited for may never be ready again. */
  #waitForSinks(ready: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      this.#endWaitForSinks = resolve;
      void ready.then(() => resolve());
    });
  }

  /** Messages that are held must not be delivered to somebody else meanwhile. */
  #keepAlive(): void {
    this.#tickedMs = performance.now();
    this.delivery.keepAlive();
    const { batch, from = 0 } = this.#untaken ?? {};
    for (let i = from; batch && i < batch.messages.length; i++) batch.working(i);
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

/** Resolves when every row that the pipelines have published is confirmed, or given up. */
async function confirmed(pipelines: readonly RunningPipeline[]): Promise<void> {
  const sinks = new Set(pipelines.map(({ sink }) => sink));
  await Promise.all([...sinks].map((sink) => sink.confirmed()));
}
