export type * from './contract.js';
export { ConnectorError, PositionTaken, Unprepared } from './contract.js';
export { HeaderBlock } from './header-block.js';
export { createConnection, createOutputSink } from './registry.js';
export { within } from './within.js';
