import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { natsServerBinary, temporaryDirectory } from '@laminar/test';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findNatsServer, NatsServerNotFound } from './find.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory('find');
});
afterEach(() => directory.remove());

describe('findNatsServer', () => {
  it('takes NATS_SERVER_BIN before PATH', async () => {
    const named = await program('named', 'nats-server: v2.10.0');
    await program('path/nats-server', 'nats-server: v2.9.0');
    expect(await find({ NATS_SERVER_BIN: named, PATH: join(directory.path, 'path') })).toBe(named);
  });

  it.each([
    ['is not there', 'missing', undefined],
    ['is another program', 'other', 'redis-server 7'],
  ])('refuses a NATS_SERVER_BIN that %s, and does not look elsewhere', async (_, name, output) => {
    const named = output === undefined ? join(directory.path, name) : await program(name, output);
    const failure = find({ NATS_SERVER_BIN: named, PATH: process.env.PATH });
    await expect(failure).rejects.toThrow(NatsServerNotFound);
    await expect(failure).rejects.toThrow(`NATS_SERVER_BIN is ${named}`);
  });

  it('takes the first program on PATH that runs', async () => {
    const broken = join(directory.path, 'broken');
    await mkdir(join(broken, 'nats-server'), { recursive: true });
    const good = await program('good/nats-server', 'nats-server: v2.9.10');
    expect(await find({ PATH: `${broken}:${join(directory.path, 'good')}` })).toBe(good);
  });

  it('finds a real one on this machine', async () => {
    expect(await natsServerBinary()).toMatch(/nats-server/);
  });
});

function find(env: NodeJS.ProcessEnv): Promise<string> {
  const onProgress = (what: string) => expect.fail(`nothing takes long here, but it says: ${what}`);
  return findNatsServer({ env, dataDir: join(directory.path, 'data'), onProgress });
}

/** An executable that prints one line. */
async function program(name: string, output: string): Promise<string> {
  const path = join(directory.path, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho '${output}'\n`);
  await chmod(path, 0o755);
  return path;
}
