export type * from './contract.js';
export { RowError, SqlError, type SqlErrorCode } from './errors.js';
export type * from './relations.js';
