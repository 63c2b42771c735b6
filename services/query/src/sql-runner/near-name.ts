import { nearestName } from '@laminar/definitions';
import { getTableColumns, getTableName } from 'drizzle-orm';
import { derivedTables, metricsHistory, natsLogs, spans } from '../schema.js';

const tables = [...derivedTables, natsLogs, spans, metricsHistory];
const tableNames = tables.map((table) => getTableName(table));
const columnNames = [...new Set(tables.flatMap((table) => Object.keys(getTableColumns(table))))];

/** SQLite's message, and where it misses a name, the known one that is nearest. */
export function withNearName(message: string): string {
  const missing = /^no such (table|column): (?:.*\.)?(.+)$/.exec(message);
  if (!missing) return message;
  const [, what, name = ''] = missing;
  const near = nearestName(name, what === 'table' ? tableNames : columnNames);
  // One that another table has is no help.
  if (near !== undefined && near !== name) return `${message}; did you mean ${near}?`;
  return what === 'table' ? `${message}; there are ${tableNames.join(', ')}` : message;
}
