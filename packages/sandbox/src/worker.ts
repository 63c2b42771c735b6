import { parentPort, workerData } from 'node:worker_threads';
import { newQuickJSWASMModuleFromVariant } from 'quickjs-emscripten-core';
import { Interpreter } from './interpreter.js';
import { chunkTimeMs, functionsMax } from './limits.js';
import type { CallChunk, ChunkOutcome, WorkerData } from './messages.js';

// The thread in which functions run. It answers one chunk at a time, and is ended by the other side when it does not.

const quickjs = await newQuickJSWASMModuleFromVariant(import('@jitl/quickjs-wasmfile-release-sync'));
const done = new Int32Array((workerData as WorkerData).done);
/** By the function's number, least recently used first. */
const interpreters = new Map<number, Interpreter>();

parentPort?.on('message', (chunk: CallChunk) => parentPort?.postMessage(run(chunk)));

function run(chunk: CallChunk): ChunkOutcome {
  const outcomes: ChunkOutcome[number][] = [];
  const endMs = performance.now() + chunkTimeMs;
  for (const request of chunk.requests) {
    outcomes.push(callOf(chunk, request));
    Atomics.store(done, 0, outcomes.length);
    if (performance.now() > endMs) break;
  }
  return outcomes;
}

function callOf({ function: id, source }: CallChunk, request: string): ChunkOutcome[number] {
  let interpreter: Interpreter;
  try {
    interpreter = interpreters.get(id) ?? new Interpreter(quickjs, source);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
  interpreters.delete(id);
  const outcome = interpreter.call(request);
  if (interpreter.spoiled) interpreter.dispose();
  else interpreters.set(id, interpreter);
  for (const [oldest, unused] of interpreters) {
    if (interpreters.size <= functionsMax) break;
    interpreters.delete(oldest);
    unused.dispose();
  }
  return outcome;
}
