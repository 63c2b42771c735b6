import type { Rows } from './api.js';

/** Rows as lines of a terminal, columns under each other, the names first. */
export function table({ columns, rows }: Rows): string[] {
  const lines = [columns.map(({ name }) => name), ...rows.map((row) => row.map((value) => String(value ?? '')))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
