export type * from './contract.js';
export { ConnectorError, Unprepared, Untappable } from './contract.js';
export { HeaderBlock } from './header-block.js';
export type { ConnectionCheck } from './nats/examine/check.js';
export { createConnection, createOutputSink, examineConnection } from './registry.js';
export { within } from './within.js';
