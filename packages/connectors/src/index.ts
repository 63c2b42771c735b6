export { type ConnectionLog, type LogDetails, type LogLevel, noLog } from './connection-log.js';
export type * from './contract.js';
export { ConnectorError, NotPermitted, Overrun, PositionTaken, Unprepared, Untappable } from './contract.js';
export { HeaderBlock } from './header-block.js';
export type { ConnectionCheck } from './nats/examine/check.js';
export { LoggedSink } from './nats/logged-sink.js';
export { PositionMemory } from './nats/read-position.js';
export { createConnection, createOutputSink, examineConnection } from './registry.js';
export { within } from './within.js';
