export type * from './contract.js';
export { ConnectorError } from './contract.js';
