export { bearerIdentity } from './bearer.js';
export { busReplicas, connectBus } from './bus.js';
export { type BusConfig, type Config, loadConfig, type ServiceName } from './config.js';
export { DefinitionFiles, type FileProblem, FileUnavailable } from './definition-files.js';
export { ConfigError, environment } from './environment.js';
export { Health, type HealthServerOptions, startHealthServer } from './health.js';
export { createLogger, type Logger } from './logger.js';
export { announceService } from './micro.js';
export { type RunningService, runService, type ServiceContext, type ServiceOptions } from './service.js';
