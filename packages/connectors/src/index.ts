export { type ConnectionLog, type LogDetails, type LogLevel, noLog } from './connection-log.js';
export type * from './contract.js';
export { ConnectorError, NotPermitted, Unprepared } from './contract.js';
export { HeaderBlock } from './header-block.js';
export { LoggedSink } from './nats/logged-sink.js';
export { createConnection, createOutputSink } from './registry.js';
export { within } from './within.js';
