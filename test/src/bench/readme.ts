import { showSpread, showTarget } from './figures.js';
import { machineText } from './machine.js';
import type { Report } from './report.js';
import type { Figure } from './scenario.js';

const begin =
  '<!-- Figures: `npm run bench`, then `npm run bench -- --readme` writes what stands up to the end mark. -->';
const end = '<!-- End of figures. -->';

/** The text with the figures of a report between its two marks. Throws where these are missing, or a scenario of the report failed. */
export function withFigures(text: string, report: Report): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the text has no lines "${begin}" and "${end}"`);
  const failed = report.scenarios.find(({ error }) => error !== undefined);
  if (failed) throw new Error(`"${failed.name}" failed (${failed.error}); measure it again first`);
  return `${text.slice(0, from)}${begin}\n\n${figuresSection(report)}\n\n${text.slice(to)}`;
}

function figuresSection({ machine, runs, scenarios }: Report): string {
  const tables = scenarios.map(({ name, title, figures, notes = [] }) =>
    [`**\`${name}\`**: ${title}.`, table(figures), ...notes.map((note) => `(${note})`)].join('\n\n'),
  );
  return [`${machineText(machine)}; medians of ${runs} runs in turn (least to most).`, ...tables].join('\n\n');
}

function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    showSpread(figure.ours, figure.unit),
    figure.baseline ? `${figure.baseline.name}: ${showSpread(figure.baseline, figure.unit)}` : '',
    figure.baseline ? showSpread(figure.baseline.ratio) : '',
    showTarget(figure) ?? '',
  ]);
  return aligned([['', 'Laminar', 'beside', 'ratio', 'target'], ...rows].map((row) => row.map(escaped)));
}

const escaped = (cell: string): string => cell.replaceAll('|', '\\|');

/** A Markdown table, its first row the heading, without columns that are empty throughout. */
function aligned([heading = [], ...rows]: readonly string[][]): string {
  const used = heading.flatMap((_, column) => (rows.some((row) => row[column] !== '') ? [column] : []));
  const widths = used.map((column) => Math.max(...[heading, ...rows].map((row) => row[column]?.length ?? 0), 3));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const cellsOf = (row: readonly string[]) => used.map((column) => row[column] ?? '');
  return [
    line(cellsOf(heading)),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map((row) => line(cellsOf(row))),
  ].join('\n');
}
