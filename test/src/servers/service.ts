import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '../eventually.js';
import { freePort } from '../free-port.js';
import { root } from './root.js';

const readyTimeoutMs = 90_000;
const stopTimeoutMs = 10_000;
const outputKeptChars = 20_000;

export type ServiceName = 'control-plane' | 'ingestion' | 'query';

export interface StartServiceOptions {
  readonly service: ServiceName;
  /** Added to the environment of the test; `NATS_URL` must be among it. Ports are chosen unless named here. */
  readonly env: Record<string, string>;
  /** False returns once the process runs, ready or not. */
  readonly waitReady?: boolean;
}

/** A service, built and run as in production: an operating-system process. It ends with the test worker. */
export interface ServiceProcess {
  readonly name: ServiceName;
  /** `http://127.0.0.1:port` of its API and of `/livez`, `/readyz`, `/metrics` (an ingestion process has only these). */
  readonly url: string;
  readonly pid: number;
  /** Resolves with the exit code, null after a signal. */
  readonly exited: Promise<number | null>;
  /** The last of what it wrote on standard output and standard error. */
  output(): string;
  ready(): Promise<void>;
  /** Ends it as Ctrl-C does and waits; gives the exit code. */
  stop(): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

const portVariable = {
  'control-plane': 'LAMINAR_CONTROL_PORT',
  ingestion: 'LAMINAR_HEALTH_PORT',
  query: 'LAMINAR_QUERY_PORT',
} as const satisfies Record<ServiceName, string>;

/** Starts `services/<service>/dist/service.js` and waits for its `/readyz`. Throws with the end of its output. */
export async function startService({ service, env, waitReady = true }: StartServiceOptions): Promise<ServiceProcess> {
  const port = env[portVariable[service]] ?? String(await freePort());
  const child = spawn(process.execPath, [join(root, 'services', service, 'dist', 'service.js')], {
    env: {
      ...process.env,
      LAMINAR_LIFELINE: 'stdin',
      LAMINAR_LOG_LEVEL: 'warn',
      [portVariable[service]]: port,
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const running = handle(service, child, `http://127.0.0.1:${port}`);
  if (!waitReady) return running;
  try {
    await running.ready();
  } catch (error) {
    running.kill('SIGKILL');
    await running.exited;
    throw error;
  }
  return running;
}

function handle(name: ServiceName, child: ChildProcess, url: string): ServiceProcess {
  let output = '';
  const keep = (data: Buffer) => {
    output = (output + data.toString()).slice(-outputKeptChars);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  return {
    name,
    url,
    pid: child.pid ?? 0,
    exited,
    kill,
    output: () => output,
    async ready() {
      try {
        const state = await eventually(
          async () => (hasExited() ? 'ended' : (await fetch(`${url}/readyz`)).ok && 'ready'),
          { what: `${name} to be ready`, timeoutMs: readyTimeoutMs },
        );
        if (state === 'ended') throw new Error(`${name} ended before it was ready`);
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : error}; its output ends with:\n${output}`, {
          cause: error,
        });
      }
    },
    async stop() {
      kill('SIGTERM');
      const timer = setTimeout(() => kill('SIGKILL'), stopTimeoutMs);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
  };
}
