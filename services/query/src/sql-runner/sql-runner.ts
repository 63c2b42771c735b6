import { StatementFailed } from './failure.js';
import type { Rows } from './messages.js';
import { withNearName } from './near-name.js';
import { SqlChild } from './sql-child.js';
import { checkStatement } from './statement.js';

/** Statements that run at once. */
const childrenMax = 4;
/** Kept ready beside those that are busy, so that a statement that has to be killed delays no other. */
const sparesMin = 1;
const sparesMax = 2;
/** Statements that wait for a process. */
const waitingMax = 64;
const rowsMax = 10_000;
/** A child that did not start is followed by the next after that long. */
const restartDelayMs = 500;

export interface RunOptions {
  /** Counted from when the statement was asked for, waiting included. */
  readonly timeoutMs: number;
  /** Bytes of the answer's JSON. */
  readonly bytesMax: number;
}

interface Job extends RunOptions {
  readonly sql: string;
  resolve(rows: Rows): void;
  reject(error: Error): void;
  child: SqlChild | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Runs read-only statements over `system.*` in processes that can be killed. */
export class SqlRunner {
  readonly #waiting: Job[] = [];
  readonly #idle: SqlChild[] = [];
  readonly #children = new Set<SqlChild>();
  #busy = 0;
  #stopped = false;
  #restartTimer: NodeJS.Timeout | undefined;
  /** Statements since the start. */
  readonly counts = { ok: 0, invalid: 0, timeout: 0, busy: 0 };

  constructor(
    readonly file: string,
    readonly onChildFailed: (error: unknown) => void,
  ) {
    this.#fill();
  }

  /** Throws `StatementFailed`. */
  async run(sql: string, options: RunOptions): Promise<Rows> {
    try {
      checkStatement(sql);
      const rows = await this.#queue(sql, options);
      this.counts.ok++;
      return rows;
    } catch (error) {
      if (!(error instanceof StatementFailed)) throw error;
      this.counts[error.code]++;
      throw error.code === 'invalid' ? new StatementFailed('invalid', withNearName(error.message)) : error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restartTimer);
    const stopping = new StatementFailed('busy', 'the service is stopping');
    for (const job of this.#waiting.splice(0)) this.#fail(job, stopping);
    const children = [...this.#children];
    for (const child of children) child.kill(stopping);
    await Promise.all(children.map(({ ended }) => ended));
  }

  #queue(sql: string, options: RunOptions): Promise<Rows> {
    if (this.#stopped) throw new StatementFailed('busy', 'the service is stopping');
    if (this.#waiting.length >= waitingMax) {
      throw new StatementFailed('busy', `${waitingMax} statements are waiting already; try again later`);
    }
    return new Promise((resolve, reject) => {
      const job: Job = { sql, ...options, resolve, reject, child: undefined, timer: undefined };
      job.timer = setTimeout(() => this.#expire(job), options.timeoutMs);
      this.#waiting.push(job);
      this.#dispatch();
    });
  }

  #expire(job: Job): void {
    const failure = new StatementFailed('timeout', `the statement did not end within ${job.timeoutMs} ms`);
    if (job.child) {
      job.child.kill(failure);
      return;
    }
    this.#waiting.splice(this.#waiting.indexOf(job), 1);
    job.reject(failure);
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      const job = this.#waiting.shift() as Job;
      void this.#runOn(this.#idle.shift() as SqlChild, job);
    }
    this.#fill();
  }

  async #runOn(child: SqlChild, job: Job): Promise<void> {
    job.child = child;
    this.#busy++;
    const { sql, bytesMax } = job;
    try {
      job.resolve(await child.run({ sql, rowsMax, bytesMax }));
    } catch (error) {
      job.reject(error as StatementFailed);
    }
    clearTimeout(job.timer);
    this.#busy--;
    if (child.usable) this.#release(child);
    this.#dispatch();
  }

  #release(child: SqlChild): void {
    if (this.#idle.length < sparesMax) this.#idle.push(child);
    else child.kill(new StatementFailed('busy', 'the process is not needed'));
  }

  /** Starts as many children as those that are busy, wanted and spare come to. */
  #fill(): void {
    const wanted = Math.min(childrenMax, this.#busy + this.#waiting.length + sparesMin);
    while (!this.#stopped && this.#restartTimer === undefined && this.#children.size < wanted) this.#start();
  }

  #start(): void {
    const child = new SqlChild(this.file);
    this.#children.add(child);
    child.ready.then(
      () => {
        this.#idle.push(child);
        this.#dispatch();
      },
      (error) => {
        if (this.#stopped) return;
        this.onChildFailed(error);
        this.#restartTimer = setTimeout(() => {
          this.#restartTimer = undefined;
          this.#fill();
        }, restartDelayMs);
      },
    );
    void child.ended.then(() => {
      this.#children.delete(child);
      const index = this.#idle.indexOf(child);
      if (index >= 0) this.#idle.splice(index, 1);
      this.#fill();
    });
  }

  #fail(job: Job, failure: StatementFailed): void {
    clearTimeout(job.timer);
    job.reject(failure);
  }
}
