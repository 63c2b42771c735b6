// `npm test`: installs, builds, runs the static checks and every test, and ends with one line that counts them.
// Arguments go to vitest: `npm test -- packages/sql` runs what matches (and leaves the static checks out).
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

const filters = process.argv.slice(2);
const count = { passed: 0, failed: 0, skipped: 0 };

// Whatever ends this process, the count is its last line, and a failure is in it.
process.on('exit', (code) => {
  if (code !== 0 && count.failed === 0) count.failed++;
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
});
await prepare(async () => {
  // Beside each other, since the longest takes one core.
  if (filters.length === 0) await Promise.all(checks().map(runCheck));
});
runTests();
process.exitCode = count.failed > 0 ? 1 : 0;

/** Each is one command that fails with an explanation; it counts as one test. */
function checks() {
  return [
    ['format and lint', 'biome', ['check', '--error-on-warnings', '.']],
    ['types of tests', 'tsc', ['-b', 'tsconfig.test.json']],
    ['arrows between modules', 'depcruise', ['--config', '.dependency-cruiser.cjs', 'packages', 'services', 'test']],
    ['nothing unused', 'knip', ['--no-progress']],
  ];
}

function runCheck([name, command, args]) {
  const started = Date.now();
  const child = spawn(join(root, 'node_modules', '.bin', command), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  // What cannot be started at all closes too.
  child.once('error', (error) => (output += error.message));
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const passed = code === 0;
      count[passed ? 'passed' : 'failed']++;
      const line = `${passed ? '✓' : '✗'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`;
      console.log(passed ? line : `${line}\n${output}`);
      resolve();
    });
  });
}

function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'laminar-test-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...filters];
    const table = join(root, 'test', 'src', 'conformance', 'reporter.ts');
    const reporters = ['default', 'json', table].map((reporter) => `--reporter=${reporter}`);
    reporters.push(`--outputFile.json=${report}`);
    const result = spawnSync(process.execPath, [...vitest, ...reporters], { cwd: root, stdio: 'inherit' });
    countTests(JSON.parse(readFileSync(report, 'utf8')), result.status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countTests(report, status) {
  count.passed += report.numPassedTests;
  count.failed += report.numFailedTests;
  count.skipped += report.numPendingTests + report.numTodoTests;
  // A file that does not load, or whose hooks fail, has no test that could have failed.
  const failedFiles = report.testResults.filter(
    ({ status: state, assertionResults }) =>
      state === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  count.failed += failedFiles.length;
  // An error outside of any test, such as an unhandled rejection.
  if (status !== 0 && report.numFailedTests + failedFiles.length === 0) count.failed++;
}
