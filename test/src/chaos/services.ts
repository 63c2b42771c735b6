import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../eventually.js';
import { type ServiceName, type ServiceProcess, startService } from '../servers/service.js';

const restartDelayMs = 250;
const readyTimeoutMs = 90_000;

/** A process that ended and that nobody had ended. */
export interface UnwantedEnd {
  readonly name: string;
  readonly code: number | null;
  /** The last line that it wrote. */
  readonly said: string;
}

export interface ServicesOptions {
  /** The environment of a process, by its name. */
  env(name: string): Record<string, string>;
  onUnwantedEnd(end: UnwantedEnd): void;
}

/** `ingestion-2` is the second process of `ingestion`. */
const serviceOf = (name: string): ServiceName => {
  const service = (['control-plane', 'ingestion', 'query'] as const).find((one) => name.startsWith(one));
  if (!service) throw new Error(`${name} is no service`);
  return service;
};

/** The processes of a mesh by their names; as under `npm start`, one that ends by itself is started again. */
export class Services {
  readonly #running = new Map<string, ServiceProcess>();
  /** Each holds one process still, and lets it go with its own standard input, however this process ends. */
  readonly #frozen = new Map<string, ChildProcess>();
  #stopped = false;

  constructor(readonly options: ServicesOptions) {}

  get names(): string[] {
    return [...this.#running.keys()];
  }

  running(name: string): ServiceProcess {
    const service = this.#running.get(name);
    if (!service) throw new Error(`${name} does not run`);
    return service;
  }

  /** Starts a process; `ready` waits for it. */
  async start(name: string): Promise<void> {
    const env = { LAMINAR_INSTANCE: name, ...this.options.env(name) };
    const service = await startService({ service: serviceOf(name), env, waitReady: false });
    if (this.#stopped) {
      service.kill('SIGKILL');
      return;
    }
    this.#running.set(name, service);
    void service.exited.then(async (code) => {
      if (this.#running.get(name) !== service) return;
      const said = service.output().trim().split('\n').at(-1) ?? '';
      this.options.onUnwantedEnd({ name, code, said });
      this.#running.delete(name);
      await wait(restartDelayMs);
      if (!this.#stopped && !this.#running.has(name)) await this.start(name);
    });
  }

  async ready(name: string): Promise<void> {
    await eventually(async () => (await fetch(`${this.running(name).url}/readyz`)).ok, {
      what: `${name} to be ready`,
      timeoutMs: readyTimeoutMs,
    });
  }

  /** Ends a process for good: at once, or in order as Ctrl-C does. */
  async end(name: string, how: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const service = this.#running.get(name);
    this.#running.delete(name);
    this.thaw(name);
    if (how === 'SIGTERM') await service?.stop();
    else {
      service?.kill('SIGKILL');
      await service?.exited;
    }
  }

  freeze(name: string): void {
    const script = 'kill -STOP "$1" && read -r _; kill -CONT "$1"';
    const pid = String(this.running(name).pid);
    const holder = spawn('/bin/sh', ['-c', script, 'holder', pid], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#frozen.set(name, holder);
  }

  thaw(name: string): void {
    this.#frozen.get(name)?.stdin?.end();
    this.#frozen.delete(name);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const name of this.#frozen.keys()) this.thaw(name);
    const services = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(services.map((service) => service.stop()));
  }
}
