import { resolve } from 'node:path';
import { type Config, ConfigError, loadConfig } from '@laminar/runtime';
import { runDemo } from '../demo/demo.js';
import { type Bus, startBus } from './bus.js';
import { waitUntilReady } from './readiness.js';
import { withSecretsKey } from './secrets-key.js';
import { type MeshServices, startServices } from './services.js';
import { type StopRequests, stopRequests } from './stop-requests.js';

const failedExitCode = 1;
const wrongEnvironmentExitCode = 2;

export interface UpOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly demo: boolean;
}

/** Runs a whole mesh until it is asked to stop, and leaves no process behind. Resolves with the exit code. */
export async function up({ env, demo }: UpOptions): Promise<number> {
  // A terminal that was closed takes no more output; draining goes on without it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const requests = stopRequests();
  try {
    const config = loadConfig(env, 'up');
    await runMesh({ env, config: { ...config, dataDir: resolve(config.dataDir) }, demo, requests });
    return 0;
  } catch (error) {
    if (requests.first.aborted) return 0;
    console.error(error instanceof Error ? error.message : String(error));
    return error instanceof ConfigError ? wrongEnvironmentExitCode : failedExitCode;
  } finally {
    requests.dispose();
  }
}

interface MeshOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  readonly demo: boolean;
  readonly requests: StopRequests;
}

async function runMesh({ env, config, demo, requests }: MeshOptions): Promise<void> {
  const { first: signal, second } = requests;
  let bus: Bus | undefined;
  let services: MeshServices | undefined;
  second.addEventListener('abort', () => {
    say('ending at once');
    services?.kill();
    bus?.kill();
    process.exit(failedExitCode);
  });
  try {
    bus = await startBus({ env, config, signal, say });
    say(`NATS ${withoutCredentials(bus.url)}`);
    signal.throwIfAborted();
    services = await startServices({ env: withSecretsKey(env, config), config, busUrl: bus.url, say });
    await waitUntilReady({ services: services.all, signal, say });
    sayAddresses(services);
    if (demo) await runDemo({ config, busUrl: bus.url, controlUrl: services.controlUrl, signal, say });
    say('');
    say('The mesh is running; Ctrl-C stops it.');
    await aborted(signal);
  } finally {
    if (services ?? bus) say('stopping ...');
    await services?.stop();
    await bus?.stop();
    if (signal.aborted) say('stopped');
  }
}

function say(line: string): void {
  console.log(line);
}

function sayAddresses({ all, controlUrl, queryUrl }: MeshServices): void {
  say(`ready: ${all.map(({ instance }) => instance).join(', ')}`);
  say('');
  say(`  API             ${controlUrl}/api/v1`);
  say(`  documentation   ${controlUrl}/documentation`);
  say(`  system tables   SELECT ... FROM system.<table>, posted to ${controlUrl}/api/v1/sql`);
  say(`  traces          OTLP/HTTP at ${queryUrl}/v1/traces`);
}

/** User info in a URL is a secret; the terminal may be a log. */
function withoutCredentials(urls: string): string {
  return urls.replace(/\/\/[^/,@]*@/g, '//');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
