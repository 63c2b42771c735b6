import { connectBus, DefinitionFiles, runService } from '@laminar/runtime';
import { loadCheck } from '@laminar/sandbox';
import { loadSql } from '@laminar/sql';
import { buildApp } from './app.js';
import { drain } from './http/drain.js';
import { Mesh } from './state/mesh.js';

await runService({
  name: 'control-plane',
  async start({ config, logger, health, telemetry }) {
    await Promise.all([loadSql(), loadCheck()]);
    const { instance, replicas, apiKeys, filesDirs, secretsKey } = config;
    const files = new DefinitionFiles(filesDirs);
    const connect = () => connectBus(config.bus, instance);
    const mesh = new Mesh({ connect, instance, replicas, files, health, logger });
    const app = await buildApp({ mesh, health, logger, apiKeys, secretsKey, metricsHandler: telemetry.metricsHandler });
    mesh.start();
    const address = await app.listen({ host: config.host, port: config.controlPort });
    health.set('start', undefined);
    logger.info({ address }, 'listening');
    return {
      async stop() {
        await drain(app);
        await mesh.close();
      },
    };
  },
});
