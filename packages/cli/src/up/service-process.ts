import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ServiceName } from '@laminar/runtime';
import { checkout } from '../checkout.js';
import type { LogFile } from './log-file.js';
import { type Problem, problemOf } from './log-line.js';
import type { Ended, Run } from './supervised.js';

/** How `runService` ends where the environment is wrong. */
const wrongEnvironmentExitCode = 2;
/** Output that a child of the service holds open is not waited for. */
const outputTimeoutMs = 500;

export interface ServiceProcessOptions {
  readonly service: ServiceName;
  readonly env: NodeJS.ProcessEnv;
  readonly log: LogFile;
  onProblem(problem: Problem): void;
}

/**
 * Runs a built service. It is in a process group of its own, so that a terminal's Ctrl-C reaches only the one who
 * stops it in order; and it ends with this process, however that one ends, since its standard input closes then.
 */
export async function startServiceProcess(options: ServiceProcessOptions): Promise<Run> {
  const child = spawn(process.execPath, [join(checkout, 'services', options.service, 'dist', 'service.js')], {
    env: { ...options.env, LAMINAR_LIFELINE: 'stdin' },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lastProblem = followOutput(child, options);
  const ended = endOf(child).then(({ code, signal }): Ended => {
    const problem = lastProblem();
    const why = code !== 0 && problem !== undefined ? `: ${problem.text}` : '';
    const how = signal === null ? `ended with exit code ${code}${why}` : `was ended by ${signal}`;
    return { how, hopeless: code === wrongEnvironmentExitCode };
  });
  return { ended, stop: () => void child.kill('SIGTERM'), kill: () => void child.kill('SIGKILL') };
}

/** Keeps what it writes and passes on what is a problem. Gives the last of those, which tells why it ended. */
function followOutput(child: ChildProcess, { log, onProblem }: ServiceProcessOptions): () => Problem | undefined {
  let last: Problem | undefined;
  const lines = (stream: Readable | null, each: (line: string) => void) => {
    if (stream) createInterface({ input: stream }).on('line', each);
  };
  lines(child.stdout, (line) => {
    log.write(line);
    const problem = problemOf(line);
    if (!problem) return;
    last = problem;
    onProblem(problem);
  });
  // Not of the logger, so it comes before or instead of it. A stack trace is for the file only.
  lines(child.stderr, (line) => {
    log.write(line);
    if (/^\w*Error\b|^[A-Z_]+: /.test(line)) last = { severity: 'error', text: line };
  });
  return () => last;
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', reject);
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const how = await exited;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, outputTimeoutMs);
  });
  await Promise.race([closed, limit]);
  clearTimeout(timer);
  return how;
}
