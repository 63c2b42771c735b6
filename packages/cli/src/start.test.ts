import { afterEach, describe, expect, it } from 'vitest';
import { meshTestTimeoutMs, startUp, type UpProcess } from './testing/up-process.js';

let up: UpProcess | undefined;
afterEach(() => up?.cleanUp());

// Processes are found by way of /proc.
describe.skipIf(process.platform !== 'linux')('npm start', { timeout: meshTestTimeoutMs }, () => {
  it('runs the mesh, and Ctrl-C ends npm and all that it started', async () => {
    up = await startUp({ command: ['npm', 'start', '--', '--no-demo'] });
    await up.says(/The mesh is running/);
    expect(up.output()).not.toContain('The demo');
    up.killGroup('SIGINT');
    expect(await up.exited).toBe(0);
    expect(up.output()).toContain('stopped');
    expect(up.processes()).toEqual([]);
  });
});
