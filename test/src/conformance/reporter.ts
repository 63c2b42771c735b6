import type { Reporter, TestModule } from 'vitest/node';
import { specStatements } from './statements.js';

/** How the tests of one statement ended. */
interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** Ends a run with a table of the specification's statements, each with its tests; says nothing where no test was about any. */
export default class SpecReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tallies = tally(modules);
    if (tallies.size > 0) console.log(table(tallies));
  }
}

function tally(modules: readonly TestModule[]): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { specStatement } = test.meta();
      if (specStatement === undefined) continue;
      const counts = tallies.get(specStatement) ?? { passed: 0, failed: 0, skipped: 0 };
      tallies.set(specStatement, counts);
      const { state } = test.result();
      // One that never came to its end, for example because its file's set-up failed, did not show anything.
      counts[state === 'pending' ? 'failed' : state]++;
    }
  }
  return tallies;
}

function table(tallies: ReadonlyMap<string, Tally>): string {
  const head = ['section', 'statement', 'tests', 'result'];
  const rows = specStatements.map(({ id, section }) => {
    const counts = tallies.get(id);
    const tests = counts ? counts.passed + counts.failed + counts.skipped : 0;
    return [section, id, String(tests), counts ? resultOf(counts) : 'no test'];
  });
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const passed = rows.filter(([, , , result]) => result === 'passed').length;
  return [
    '\nThe specification, statement by statement:',
    line(head),
    ...rows.map(line),
    `${passed} of ${rows.length} statements passed in this run\n`,
  ].join('\n');
}

function resultOf({ passed, failed }: Tally): string {
  if (failed > 0) return 'failed';
  return passed > 0 ? 'passed' : 'skipped';
}
