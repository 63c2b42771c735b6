import { runService } from '@laminar/runtime';
import { buildApp } from './app.js';
import { openSystemDatabase } from './database.js';
import { MetricsHistory } from './history/metrics-history.js';
import { LogStore } from './logs/log-store.js';
import { Mesh } from './mesh/mesh.js';
import { SpanStore } from './otlp/span-store.js';
import { observeSelf } from './self-metrics.js';
import { answerSqlOnBus } from './sql-endpoint.js';
import { SqlRunner } from './sql-runner/sql-runner.js';

await runService({
  name: 'query',
  async start({ config, logger, health, telemetry }) {
    const database = openSystemDatabase(config.dataDir, (file, reason) =>
      logger.warn({ file, reason }, 'the file cannot be read and is made anew; the spans and logs in it are lost'),
    );
    const spans = new SpanStore(database, (error) => logger.error({ err: error }, 'old spans cannot be deleted'));
    const logs = new LogStore(database, (error) => logger.error({ err: error }, 'old logs cannot be deleted'));
    const runner = new SqlRunner(database.file, (error) => logger.error({ err: error }, 'SQL cannot be run'));
    const isCaughtUp = () => mesh.caughtUp;
    const history = new MetricsHistory({
      database,
      isCaughtUp,
      onError: (error) => logger.error({ err: error }, 'the history of metrics cannot be written'),
    });
    const mesh = new Mesh({
      config,
      health,
      logger,
      database,
      logs,
      onConnected: (nc) => answerSqlOnBus(nc, { instance: config.instance, runner, isCaughtUp }),
    });
    const app = await buildApp({ apiKeys: config.apiKeys, health, logger, telemetry, spans, runner, isCaughtUp });
    observeSelf({ spans, logs, runner, mesh });
    await app.listen({ host: config.host, port: config.queryPort });
    // The bus may be away for long; until it is there the service says so in its readiness.
    void mesh.run();
    history.start();
    health.set('start', undefined);
    return {
      async stop() {
        await app.close();
        await mesh.stop();
        await runner.stop();
        history.stop();
        spans.stop();
        logs.stop();
        database.close();
      },
    };
  },
});
