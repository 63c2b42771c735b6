import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../servers/root.js';

const endTimeoutMs = 5_000;

/** What does a job by hand: a program of `baselines/`, built, as a process of its own. It ends with this one, however this one ends. */
export interface BaselineProcess {
  readonly pid: number;
  /** One request at a time; throws where the process ends instead of answering. */
  ask(request: unknown): Promise<unknown>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Starts it and waits until it is ready. */
export async function startBaseline(program: string, natsUrl: string): Promise<BaselineProcess> {
  const script = join(root, 'test', 'dist', 'bench', 'baselines', `${program}.js`);
  const child = fork(script, { env: { ...process.env, NATS_URL: natsUrl }, execArgv: [] });
  const exited = once(child, 'exit');
  const answer = async (): Promise<unknown> => {
    const [message] = await Promise.race([
      once(child, 'message'),
      exited.then(([code]) => {
        throw new Error(`the baseline ${program} ended with code ${code} instead of answering`);
      }),
    ]);
    return (message as { readonly result?: unknown }).result;
  };
  await answer();
  return {
    pid: child.pid ?? 0,
    async ask(request) {
      child.send(request as object);
      return await answer();
    },
    async stop() {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}
