import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@laminar/test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hasDebianPackages, unpackDebianPackage } from './debian-package.js';
import { findNatsServer, NatsServerNotFound } from './find.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory('debian');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await directory.remove();
});

describe.skipIf(!(await hasDebianPackages()))('unpackDebianPackage', () => {
  it('unpacks the program of the package and leaves nothing else', async () => {
    await archive({ version: 'v2.9.10' });
    const said: string[] = [];
    const target = join(directory.path, 'data', 'nats-server');
    await unpackDebianPackage({ target, onProgress: (what) => said.push(what) });
    expect(execFileSync(target, { encoding: 'utf8' })).toBe('nats-server: v2.9.10\n');
    expect(await readdir(join(directory.path, 'data'))).toEqual(['nats-server']);
    expect(said.at(-1)).toBe(`unpacked nats-server to ${target}`);
  });

  it('can be done by several processes at once', async () => {
    await archive({ version: 'v2.9.10' });
    const target = join(directory.path, 'data', 'nats-server');
    const unpack = () => unpackDebianPackage({ target, onProgress: () => undefined });
    await Promise.all([unpack(), unpack(), unpack()]);
    expect(await readdir(join(directory.path, 'data'))).toEqual(['nats-server']);
  });

  it("fails with apt-get's own words, and leaves nothing", async ({ skip }) => {
    await archive({});
    const dataDir = join(directory.path, 'data');
    const found = findNatsServer({ env: { PATH: '' }, dataDir, onProgress: () => undefined });
    const failure = await found.catch((error: unknown) => error);
    skip(typeof failure === 'string', 'a server is installed on this machine, so that no package is looked for');
    expect(failure).toBeInstanceOf(NatsServerNotFound);
    expect(String(failure)).toMatch(/Unable to locate package nats-server.*NATS_SERVER_BIN.*NATS_URL/);
    expect(await readdir(join(dataDir, 'nats-server'))).toEqual([]);
  });

  it('ends with its signal, and leaves nothing', async () => {
    await archive({ version: 'v2.9.10' });
    const target = join(directory.path, 'data', 'nats-server');
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    await expect(unpackDebianPackage({ target, onProgress, signal: abort.signal })).rejects.toThrow(/abort/i);
    expect(await readdir(join(directory.path, 'data'))).toEqual([]);
  });
});

/** An archive of packages in a folder, which apt-get reads as it reads Debian's; it has nats-server where a version is given. */
async function archive({ version }: { version?: string }): Promise<void> {
  const folder = join(directory.path, 'archive');
  await mkdir(folder);
  await writeFile(join(folder, 'Packages'), version === undefined ? '' : await debianPackage(folder, version));
  await writeFile(join(directory.path, 'sources.list'), `deb [trusted=yes] file:${folder} ./\n`);
  const configuration = `Dir::Etc::sourcelist "${directory.path}/sources.list";\nDir::Etc::sourceparts "-";\n`;
  await writeFile(join(directory.path, 'apt.conf'), configuration);
  vi.stubEnv('APT_CONFIG', join(directory.path, 'apt.conf'));
}

/** Builds the package and gives its entry in the archive's index. */
async function debianPackage(folder: string, version: string): Promise<string> {
  const content = join(directory.path, 'content');
  await mkdir(join(content, 'usr', 'sbin'), { recursive: true });
  await mkdir(join(content, 'DEBIAN'));
  const program = `#!/bin/sh\necho 'nats-server: ${version}'\n`;
  await writeFile(join(content, 'usr', 'sbin', 'nats-server'), program, { mode: 0o755 });
  const control = [
    'Package: nats-server',
    'Version: 1.0',
    'Architecture: all',
    'Maintainer: nobody <nobody@example.com>',
    'Description: a program that says a version',
  ];
  await writeFile(join(content, 'DEBIAN', 'control'), `${control.join('\n')}\n`);
  const file = 'nats-server_1.0_all.deb';
  execFileSync('/usr/bin/dpkg-deb', ['--root-owner-group', '--build', content, join(folder, file)]);
  const data = await readFile(join(folder, file));
  const sha256 = createHash('sha256').update(data).digest('hex');
  return [...control, `Filename: ./${file}`, `Size: ${data.length}`, `SHA256: ${sha256}`, ''].join('\n');
}
