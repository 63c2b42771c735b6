const backOffMinMs = 250;
const backOffMaxMs = 5000;
/** What ran that long has recovered: its next death is a new story. */
const stableMs = 10_000;

/** One run of a process that is to go on running. */
export interface Run {
  /** Resolves when it has ended, by whatever cause. */
  readonly ended: Promise<Ended>;
  /** Asks it to finish what it has taken on and to end. */
  stop(): void;
  kill(): void;
}

export interface Ended {
  /** How, as the end of a sentence that begins with the name of what ended. */
  readonly how: string;
  /** Another run would end alike. */
  readonly hopeless: boolean;
}

export interface SupervisedOptions {
  readonly name: string;
  /** A rejection counts as a run that ended at once. */
  start(): Promise<Run>;
  say(line: string): void;
}

/** Something that runs until it is stopped: when it dies, it is started again after a pause that doubles from 250 ms to 5 s. */
export class Supervised {
  readonly name: string;
  #run: Run | undefined;
  #deaths = 0;
  #lastEnd: Ended | undefined;
  readonly #stopping = new AbortController();
  readonly #finished: Promise<void>;

  constructor(readonly options: SupervisedOptions) {
    this.name = options.name;
    this.#finished = this.#keepRunning();
  }

  /** How often it has died up to now. */
  get deaths(): number {
    return this.#deaths;
  }

  get lastEnd(): Ended | undefined {
    return this.#lastEnd;
  }

  /** Asks the run to end, and starts no other; resolves when nothing runs any more. Idempotent. */
  stop(): Promise<void> {
    this.#stopping.abort();
    this.#run?.stop();
    return this.#finished;
  }

  /** Ends the run without asking. */
  kill(): void {
    this.#stopping.abort();
    this.#run?.kill();
  }

  async #keepRunning(): Promise<void> {
    let pauseMs = backOffMinMs;
    while (!this.#stopping.signal.aborted) {
      const startedMs = performance.now();
      const ended = await this.#runOnce();
      if (this.#stopping.signal.aborted) return;
      this.#deaths++;
      this.#lastEnd = ended;
      if (performance.now() - startedMs >= stableMs) pauseMs = backOffMinMs;
      this.options.say(`${this.name} ${ended.how}; it is started again in ${pauseMs} ms`);
      await pause(pauseMs, this.#stopping.signal);
      pauseMs = Math.min(pauseMs * 2, backOffMaxMs);
    }
  }

  async #runOnce(): Promise<Ended> {
    try {
      const run = await this.options.start();
      this.#run = run;
      // A request may have come while it started.
      if (this.#stopping.signal.aborted) run.stop();
      return await run.ended;
    } catch (error) {
      return { how: `did not start: ${error instanceof Error ? error.message : String(error)}`, hopeless: false };
    } finally {
      this.#run = undefined;
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
