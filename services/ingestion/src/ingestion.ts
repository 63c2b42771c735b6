import { createOutputSink } from '@laminar/connectors';
import { Catalog, foldStoredEvent } from '@laminar/definitions';
import { type LogSubscription, openEventLog, type StoredEvent } from '@laminar/event-store';
import { buckets, metricsStream, parseDefinitionKey } from '@laminar/protocol';
import {
  announceService,
  busReplicas,
  connectBus,
  DefinitionFiles,
  type RunningService,
  retried,
  type ServiceContext,
  startHealthServer,
} from '@laminar/runtime';
import { Sandbox } from '@laminar/sandbox';
import { findSecret, StoredSecrets } from '@laminar/secrets';
import { loadSql } from '@laminar/sql';
import { jetstreamManager } from '@nats-io/jetstream';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { CounterRegistry } from './delivery/counters.js';
import { FunctionCalls } from './delivery/function-calls.js';
import { TraceSampler } from './delivery/trace-sampler.js';
import { Lineages } from './desired/lineages.js';
import { PastPipelines } from './desired/past-pipelines.js';
import { Provisioner } from './jobs/provisioner.js';
import { SinkPool } from './jobs/sink-pool.js';
import { ConnectionTests } from './live/connection-tests.js';
import { LiveQueries } from './live/live-queries.js';
import { answerServerVersions } from './live/server-versions.js';
import { LogPublisher } from './logs/log-publisher.js';
import { Leases } from './placement/leases.js';
import { Membership } from './placement/membership.js';
import { preferred } from './placement/rendezvous.js';
import { Positions } from './positions/positions.js';
import { measuredConnections } from './report/measured.js';
import { MetricsPublisher } from './report/metrics-publisher.js';
import { observeCounters } from './report/prometheus.js';
import { restoreCounters } from './report/restore-counters.js';
import { StatusPublisher } from './report/status-publisher.js';
import { ensureStream } from './stream.js';
import { Supervisor } from './supervisor.js';

const deadLettersCloseMs = 1000;
const reportIntervalMs = 1000;
/** How often it is looked whether others still take this session for alive. */
const aliveCheckIntervalMs = 250;

/** Starts to make the catalog true: everything that it needs, in the order in which it needs it. */
export async function startIngestion(context: ServiceContext): Promise<RunningService> {
  const { config, health, logger, session, telemetry } = context;
  const { instance, traceRatio, filesDirs } = config;
  const { metricsHandler } = telemetry;
  const healthServer = await startHealthServer({ host: config.host, port: config.healthPort, health, metricsHandler });
  logger.info({ port: healthServer.port }, 'health port');
  health.set('start', 'the bus cannot be reached');
  const [nc] = await Promise.all([connectBus(config.bus, `laminar-ingestion ${instance}`), loadSql()]);
  const replicas = busReplicas(nc, config.replicas);
  const waiting = { nc, health, logger, part: 'start' };
  const deadLetters = new DeadLetters(nc);
  const { jsm, log } = await retried(waiting, 'the bus is not ready yet', async () => {
    const jsm = await jetstreamManager(nc);
    const log = await openEventLog(nc, { bucket: buckets.definitions, replicas });
    await ensureStream(jsm, metricsStream(replicas));
    await deadLetters.open(jsm, replicas);
    return { jsm, log };
  });
  const counters = new CounterRegistry();
  await retried(waiting, 'the counters cannot be read', () => restoreCounters(jsm, instance, counters));
  const sandbox = new Sandbox();
  const functions = new FunctionCalls(nc, sandbox);
  const busSink = createOutputSink(nc, { durable: false });
  await busSink.open();

  const catalog = new Catalog();
  const lineages = new Lineages(catalog);
  const storedSecrets: StoredSecrets = new StoredSecrets({
    nc,
    replicas,
    key: config.secretsKey,
    valueIdOf: (name) => catalog.get('secret', name)?.definition.valueId,
    onChange: (name) => supervisor.secretChanged(name),
  });
  const outside = { env: process.env, directory: config.secretsDir };
  const files = new DefinitionFiles(filesDirs);
  const secrets = { find: (name: string) => findSecret(name, (name) => storedSecrets.find(name), outside) };
  let busAway = false;
  const logs = new LogPublisher({
    nc,
    instance,
    isAway: () => busAway,
    onDropped: (count) => logger.warn({ count }, 'lines of the logs of connections were dropped: the bus was away'),
  });
  const status = new StatusPublisher({ nc, instance, session });
  const membership: Membership = new Membership({
    nc,
    instance,
    session,
    replicas,
    startedAtMs: Date.now(),
    readers: () => supervisor.readers,
    onChange: () => {
      provisioner.reconsider();
      supervisor.request();
    },
  });
  const leases: Leases = new Leases({
    nc,
    instance,
    session,
    replicas,
    membership,
    onChange: () => supervisor.request(),
  });
  const sinks: SinkPool = new SinkPool({
    busSink,
    clientName: `laminar ${instance} sink`,
    secrets,
    files,
    logs,
    counters,
    onChange: (connection) => supervisor.sinkChanged(connection),
  });
  const positions = new Positions({ nc, replicas });
  /** What one instance does for all of them. */
  const isMine = (definition: string) =>
    membership.takesPart && preferred(definition, membership.instances) === instance;
  const provisioner: Provisioner = new Provisioner({
    instance,
    secrets,
    files,
    logs,
    isMine,
    onReport: (connection) => supervisor.provisioned(connection),
    positions,
    lineages,
    isDraining: (connection) => supervisor.isDraining(connection),
    onLeftBehind: (connection, reason) =>
      logger.warn({ connection, reason }, 'a durable or position could not be deleted'),
    onNote: (connection, note) => logger.warn({ connection, note }, 'a durable was missing'),
  });
  const supervisor: Supervisor = new Supervisor({
    catalog,
    instance,
    session,
    sampler: new TraceSampler(traceRatio, Math.random, Date.now),
    membership,
    leases,
    sinks,
    secrets,
    files,
    logs,
    provisioner,
    counters,
    deadLetters,
    positions,
    lineages,
    pastPipelines: new PastPipelines(log),
    functions,
    status,
    secretArrival: (name) => storedSecrets.arrival(name),
    isMine,
  });
  const metrics = new MetricsPublisher({
    nc,
    instance,
    session,
    counters,
    measure: () => measuredConnections(supervisor.jobs, sinks),
  });

  const caughtUp = (revision: number, timeoutMs: number) => subscription.reached(revision, timeoutMs);
  const liveQueries = new LiveQueries(nc, { instance, catalog, secrets, files, functions, caughtUp });

  health.set('start', 'catching up with the event log');
  await retried(waiting, 'the stored secrets cannot be read', () => storedSecrets.start());
  await retried(waiting, 'the bucket of positions cannot be opened', () => positions.start());
  const takeEvent = (stored: StoredEvent) => {
    // An attempt to subscribe that failed half way may have handed over the beginning.
    if (stored.revision <= catalog.revision) return;
    const key = parseDefinitionKey(stored.key);
    const before = key && catalog.get(key.kind, key.name);
    const event = foldStoredEvent(catalog, stored);
    if (!event) logger.warn({ key: stored.key, revision: stored.revision }, 'a definition event cannot be read');
    health.warn('definitions', catalog.unreadable);
    if (!key) return;
    supervisor.changed(key.kind, key.name, before, event);
    liveQueries.changed(key.kind, key.name);
  };
  const subscription: LogSubscription = await retried(waiting, 'the event log cannot be read', () =>
    log.subscribe(takeEvent),
  );
  await subscription.caughtUp;
  // Not before: others would hand slots over to somebody who does not know them.
  await retried(waiting, 'the leases cannot be read', () => leases.start());
  await retried(waiting, 'the workers cannot be read', () => membership.start());
  status.start();
  metrics.start();
  observeCounters(counters);
  supervisor.start();
  let wasAlive = true;
  const timers = [
    setInterval(() => supervisor.reportAll(), reportIntervalMs),
    setInterval(() => {
      if (membership.holdsItsOwn !== wasAlive) supervisor.request();
      wasAlive = membership.holdsItsOwn;
    }, aliveCheckIntervalMs),
  ];
  const micro = await announceService(nc, {
    name: 'laminar-ingestion',
    description: 'Runs readers and pipelines as the definitions say.',
    instance,
  });
  liveQueries.answerOn(micro);
  new ConnectionTests({ instance, secrets, files, caughtUp }).answerOn(micro);
  answerServerVersions(micro);
  void followBus();
  health.set('start', undefined);

  async function followBus(): Promise<void> {
    for await (const { type } of nc.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      busAway = type === 'disconnect';
      if (busAway) liveQueries.busLost();
      health.set('bus', busAway ? 'the bus is away' : undefined);
    }
  }

  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      provisioner.stop();
      await liveQueries.stop();
      storedSecrets.stop();
      // What becomes free from now on shall not be left to this instance.
      if (!busAway) await membership.leave();
      await supervisor.stop();
      await sandbox.close();
      // Without the bus nobody can be told; heartbeat and leases expire, and the counters' last second is lost.
      if (!busAway) {
        await metrics.stop();
        logs.stop();
        await subscription.close();
        await leases.stop();
        await membership.stop();
        await status.stop();
        await deadLetters.close(deadLettersCloseMs);
        await micro.stop();
      }
      await nc.close();
      await healthServer.close();
    },
  };
}
