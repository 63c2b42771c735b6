import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@laminar/test';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LogFile } from './log-file.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory('log');
});
afterEach(() => directory.remove());

it('appends to what was there, and makes the folder', async () => {
  const path = join(directory.path, 'logs', 'a.log');
  for (const line of ['one', 'two']) {
    const log = new LogFile(path);
    log.write(line);
    log.close();
  }
  expect(await readFile(path, 'utf8')).toBe('one\ntwo\n');
});

it('keeps one previous file, however much is written', async () => {
  const path = join(directory.path, 'a.log');
  const log = new LogFile(path);
  const mebibyte = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 35; i++) log.write(mebibyte);
  log.close();
  expect((await readdir(directory.path)).sort()).toEqual(['a.log', 'a.log.1']);
  expect((await stat(`${path}.1`)).size).toBeGreaterThanOrEqual(10 * 1024 * 1024);
  expect((await stat(path)).size).toBeLessThan(10 * 1024 * 1024);
});
