export type * from './contract.js';
export { ConnectorError, Unprepared } from './contract.js';
export { HeaderBlock } from './header-block.js';
export { PositionMemory } from './nats/read-position.js';
export { createConnection, createOutputSink } from './registry.js';
export { within } from './within.js';
