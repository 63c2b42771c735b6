import { randomBytes } from 'node:crypto';
import { startTelemetry, type Telemetry } from '@laminar/telemetry/node';
import { type Config, loadConfig, type ServiceName } from './config.js';
import { ConfigError } from './environment.js';
import { Health } from './health.js';
import { createLogger, type Logger } from './logger.js';

/** A service that has not drained by then is ended; `laminar up` promises ten seconds for all of them and the bus. */
const drainTimeoutMs = 7000;
const configErrorExitCode = 2;
const apiKeyLengthAdvised = 16;

export interface ServiceContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly health: Health;
  readonly telemetry: Telemetry;
  /** Tells this run of the process from others of its name. */
  readonly session: string;
}

export interface RunningService {
  /** Drains: what was taken on is finished, nothing new is begun. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  readonly name: ServiceName;
  start(context: ServiceContext): Promise<RunningService>;
}

/**
 * Runs a service until SIGTERM, SIGINT or the end of its lifeline (standard input, where LAMINAR_LIFELINE is `stdin`), then drains it. Exit code 0
 * after a stop, 2 after a wrong environment (with one line that names the variable), 1 after anything else.
 */
export async function runService({ name, start }: ServiceOptions): Promise<void> {
  const config = configOrExit(name);
  const logger = createLogger({ service: name, instance: config.instance, level: config.logLevel });
  if (config.apiKeys.some((key) => key.length < apiKeyLengthAdvised))
    logger.warn(`LAMINAR_API_KEYS: a key of fewer than ${apiKeyLengthAdvised} characters can be guessed`);
  const telemetry = startTelemetry({
    serviceName: `laminar-${name}`,
    instance: config.instance,
    otlpEndpoint: config.otlpEndpoint,
    otlpHeaders: config.apiKeys[0] === undefined ? {} : { authorization: `Bearer ${config.apiKeys[0]}` },
  });
  const stopRequested = onStopRequest();
  const fail = (error: unknown) => {
    logger.fatal({ err: error }, 'the service cannot go on');
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const context: ServiceContext = {
    config,
    logger,
    health: new Health(),
    telemetry,
    session: randomBytes(8).toString('hex'),
  };
  const starting = start(context);
  const running = await Promise.race([starting, stopRequested]);
  if (running) {
    logger.info('started');
    await stopRequested;
  }
  logger.info('stopping');
  context.health.set('stop', 'the service is stopping');
  const deadline = setTimeout(() => {
    logger.error(`the service did not drain within ${drainTimeoutMs} ms`);
    process.exit(1);
  }, drainTimeoutMs);
  // A stop during the start has nothing to drain; the process simply ends.
  await running?.stop();
  await telemetry.shutdown();
  clearTimeout(deadline);
  logger.info('stopped');
  process.exit(0);
}

function configOrExit(name: ServiceName): Config {
  try {
    return loadConfig(process.env, name);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(configErrorExitCode);
  }
}

/** Resolves at the first request to stop; the second ends the process at once. */
function onStopRequest(): Promise<undefined> {
  return new Promise((resolve) => {
    let requested = false;
    const stop = () => {
      if (requested) process.exit(1);
      requested = true;
      resolve(undefined);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    if (process.env.LAMINAR_LIFELINE === 'stdin') {
      const lifelineEnded = () => {
        if (!requested) stop();
      };
      process.stdin.on('end', lifelineEnded).on('error', lifelineEnded).resume();
    }
  });
}
