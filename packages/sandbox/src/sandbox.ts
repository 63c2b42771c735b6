import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { FunctionSource } from './function-source.js';
import { answerTimeMsMax, callTimeMsMax, chunkCallsMax, functionsMax, startTimeMsMax } from './limits.js';
import type { CallChunk, ChunkOutcome, WorkerData } from './messages.js';

/** The file of the thread; it is JavaScript also where the rest runs from its sources. */
const workerFile = createRequire(import.meta.url).resolve('@laminar/sandbox/worker');
/** WebAssembly keeps a part of its stack in the thread's. */
const workerStackMebibytes = 16;

/** A call that came to no value; the message says why, and may hold what the function's author wrote. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
}

interface Call {
  readonly request: string;
  resolve(json: string): void;
  reject(error: CallFailed): void;
}

interface Queue {
  readonly id: number;
  readonly source: FunctionSource;
  readonly calls: Call[];
}

/** A thread, and how many calls of its chunk are done, which it counts itself. */
interface Thread {
  readonly worker: Worker;
  readonly done: Int32Array;
}

/**
 * Runs functions in a thread of their own, so that nothing else waits for them: an endless loop ends at its time limit, and what the interpreter
 * itself cannot end, ends with the thread. Functions take turns. The thread starts at the first call.
 */
export class Sandbox {
  /** By source, in the order of their turns; what is asked of each and not handed over. */
  readonly #queues = new Map<string, Queue>();
  #nextId = 0;
  #thread: Thread | undefined;
  /** What the thread works on. */
  #running: { readonly queue: Queue; readonly calls: readonly Call[] } | undefined;
  #answerTimer: NodeJS.Timeout | undefined;
  #scheduled = false;
  #closed = false;

  /** The JSON text of the function's value for a JSON text of an array of arguments. Throws `CallFailed`. */
  call(source: FunctionSource, request: string): Promise<string> {
    if (this.#closed) return Promise.reject(new CallFailed('the service stops'));
    return new Promise((resolve, reject) => {
      this.#queueOf(source).calls.push({ request, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      // What is asked in one go is handed over together.
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#next();
      });
    });
  }

  /** Ends the thread; calls that are open fail. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#answerTimer);
    const open = [...(this.#running?.calls ?? []), ...[...this.#queues.values()].flatMap(({ calls }) => calls)];
    this.#running = undefined;
    this.#queues.clear();
    for (const { reject } of open) reject(new CallFailed('the service stops'));
    await this.#thread?.worker.terminate();
  }

  #queueOf(source: FunctionSource): Queue {
    const key = JSON.stringify([source.parameters, source.body]);
    const known = this.#queues.get(key);
    if (known) return known;
    const queue: Queue = { id: this.#nextId++, source, calls: [] };
    this.#queues.set(key, queue);
    for (const [oldest, { calls }] of this.#queues) {
      if (this.#queues.size <= functionsMax) break;
      if (calls.length === 0 && oldest !== key) this.#queues.delete(oldest);
    }
    return queue;
  }

  /** Hands over the next chunk, of the function whose turn it is, where the thread is idle. */
  #next(): void {
    if (this.#running || this.#closed) return;
    for (const [key, queue] of this.#queues) {
      if (queue.calls.length === 0) continue;
      // Its next turn comes after that of the others.
      this.#queues.delete(key);
      this.#queues.set(key, queue);
      this.#handOver(queue);
      return;
    }
  }

  #handOver(queue: Queue): void {
    const calls = queue.calls.splice(0, chunkCallsMax);
    this.#running = { queue, calls };
    const timeMsMax = this.#thread ? answerTimeMsMax : startTimeMsMax + answerTimeMsMax;
    this.#thread ??= this.#start();
    const thread = this.#thread;
    Atomics.store(thread.done, 0, 0);
    const chunk: CallChunk = {
      function: queue.id,
      source: queue.source,
      requests: calls.map(({ request }) => request),
    };
    thread.worker.postMessage(chunk);
    this.#answerTimer = setTimeout(() => {
      void thread.worker.terminate();
      this.#ended(thread);
    }, timeMsMax);
  }

  #start(): Thread {
    const done = new SharedArrayBuffer(4);
    const workerData: WorkerData = { done };
    const worker = new Worker(workerFile, {
      workerData,
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { stackSizeMb: workerStackMebibytes },
    });
    const thread = { worker, done: new Int32Array(done) };
    // What a thread says that was given up counts no more.
    worker.on('message', (outcomes: ChunkOutcome) => this.#thread === thread && this.#answered(outcomes));
    // Whatever ended it: the exit follows.
    worker.on('error', () => undefined);
    worker.on('exit', () => this.#ended(thread));
    worker.unref();
    return thread;
  }

  #answered(outcomes: ChunkOutcome): void {
    clearTimeout(this.#answerTimer);
    const { queue, calls } = this.#running ?? { queue: undefined, calls: [] };
    this.#running = undefined;
    for (const [i, call] of calls.entries()) {
      const outcome = outcomes[i];
      if (!outcome) {
        queue?.calls.unshift(...calls.slice(i));
        break;
      }
      if ('json' in outcome) call.resolve(outcome.json);
      else call.reject(new CallFailed(outcome.error));
    }
    this.#next();
  }

  /** The thread is gone, by the call that it had begun and not done; the others are made again. */
  #ended(thread: Thread): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    clearTimeout(this.#answerTimer);
    if (!this.#running || this.#closed) return;
    const { queue, calls } = this.#running;
    this.#running = undefined;
    const guilty = Atomics.load(thread.done, 0);
    queue.calls.unshift(...calls.filter((_, i) => i !== guilty));
    calls[guilty]?.reject(new CallFailed(`it ran longer than ${callTimeMsMax} ms, or broke the interpreter`));
    this.#next();
  }
}
