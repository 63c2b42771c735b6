// The process in which statements of users run, one at a time. It is started with the database's file and the memory that it may take, and is
// killed when a statement takes too long: SQLite cannot be interrupted otherwise.
import { Worker } from 'node:worker_threads';
import type { ChildMessage, RunRequest } from './messages.js';
import { runStatement } from './run.js';
import { openSandbox } from './sandbox.js';

const [file = '', memoryBytesMax] = process.argv.slice(2);
const watchdog = new Worker(new URL('./watchdog.js', import.meta.url), {
  workerData: { memoryBytesMax: Number(memoryBytesMax), parent: process.ppid },
});
watchdog.once('error', () => process.exit(1));
const db = openSandbox(file);

// Ctrl-C reaches the whole process group; the service drains, and ends this process when it is done.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (request: RunRequest) => say(answerTo(request)));
watchdog.once('online', () => say({ ready: true }));

function answerTo(request: RunRequest): ChildMessage {
  try {
    return { result: runStatement(db, request) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function say(message: ChildMessage): void {
  process.send?.(message);
}
