export { type FindOptions, findNatsServer, NatsServerNotFound } from './find.js';
export { NatsServerFailed, type NatsServerOptions, type NatsServerProcess, startNatsServer } from './run.js';
