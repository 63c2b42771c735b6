import { laminar } from '@laminar/protocol';
import type { natsLogs } from '../schema.js';

const { InstanceLogs } = laminar.v1;

type LogRow = typeof natsLogs.$inferSelect;

/** The rows of a message on `laminar.logs.<instance>`. Throws where it cannot be read. */
export function logRows(data: Uint8Array): LogRow[] {
  const { instance, lines } = InstanceLogs.decode(data);
  return lines.map((line) => ({
    timestamp: preciseMoment(Number(line.atUnixUs ?? 0)),
    connection: line.connection ?? '',
    level: line.level ?? '',
    message: line.message ?? '',
    attributes: JSON.stringify(plainAttributes(line.attributes)),
    instance,
    trace_id: line.traceId === '' ? null : (line.traceId ?? null),
  }));
}

function plainAttributes(attributes: laminar.v1.LogLine.$Properties['attributes']): { [name: string]: unknown } {
  return Object.fromEntries(
    Object.entries(attributes ?? {}).map(([name, { text, number }]) => [name, text ?? number ?? null]),
  );
}

/** ISO 8601 in UTC with six digits of a second, so that lines sort as they were written. */
function preciseMoment(unixUs: number): string {
  const date = new Date(Math.floor(unixUs / 1000));
  if (Number.isNaN(date.getTime())) return new Date(0).toISOString();
  return `${date.toISOString().slice(0, -1)}${String(unixUs % 1000).padStart(3, '0')}Z`;
}
