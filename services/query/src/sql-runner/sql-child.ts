import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StatementFailed } from './failure.js';
import type { ChildMessage, Rows, RunRequest } from './messages.js';

const childModule = fileURLToPath(new URL('./child.js', import.meta.url));
/** Of the whole process; an idle one takes about 60 MiB. */
const memoryBytesMax = 320 * 1024 * 1024;
/** Of JavaScript values in it. */
const heapMebibytesMax = 128;

/** A process that runs statements, one at a time. It gets neither the environment, where credentials are, nor a terminal. */
export class SqlChild {
  readonly #process: ChildProcess;
  #answer: { resolve(rows: Rows): void; reject(error: Error): void } | undefined;
  #killedFor: StatementFailed | undefined;
  /** Resolves when it can take a statement; rejects where it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;

  constructor(file: string) {
    this.#process = fork(childModule, [file, String(memoryBytesMax)], {
      env: {},
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${heapMebibytesMax}`],
    });
    this.ended = new Promise((resolve) => {
      this.#process.once('error', () => resolve());
      this.#process.once('exit', (_code, signal) => {
        this.#answer?.reject(this.#killedFor ?? endedUnasked(signal));
        this.#answer = undefined;
        resolve();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.#process.on('message', (message: ChildMessage) => {
        if ('ready' in message) resolve();
        else this.#take(message);
      });
      void this.ended.then(() => reject(new Error('the process for SQL ended before it was ready')));
    });
    // Who asks for a child waits for it; nobody may be asking any more when one ends.
    this.ready.catch(() => undefined);
  }

  /** Says whether it can take another statement when it has answered. */
  get usable(): boolean {
    return this.#killedFor === undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Throws `StatementFailed`. */
  run(request: RunRequest): Promise<Rows> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#process.send(request, (error) => {
        // A process that is ending takes nothing more; its exit rejects the answer.
        if (error)
          this.kill(new StatementFailed('busy', 'the process for SQL could not take the statement; try again'));
      });
    });
  }

  /** Ends the process; a statement that it runs fails with `reason`. */
  kill(reason: StatementFailed): void {
    this.#killedFor = reason;
    this.#process.kill('SIGKILL');
  }

  #take(message: Exclude<ChildMessage, { ready: true }>): void {
    if ('result' in message) this.#answer?.resolve(message.result);
    else this.#answer?.reject(new StatementFailed('invalid', message.error));
    this.#answer = undefined;
  }
}

/** Its own watchdog and V8 end a process that takes too much memory; nothing that a statement may do is known to end it otherwise. */
function endedUnasked(signal: NodeJS.Signals | null): StatementFailed {
  return new StatementFailed(
    'invalid',
    `the statement was ended because it takes more than ${memoryBytesMax / 1024 / 1024} MiB of memory (${signal ?? 'exit'}); select fewer or shorter values`,
  );
}
