import { type ChildProcess, spawn } from 'node:child_process';
import { access, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, temporaryDirectory } from '@laminar/test';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkout } from './checkout.js';

/** A checkout without packages, whose installation takes as long as its `preinstall` script says. */
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = await temporaryDirectory('prepare');
  await cp(join(checkout, 'scripts'), join(directory.path, 'scripts'), { recursive: true });
  await cp(join(checkout, '.npmrc'), join(directory.path, '.npmrc'));
  await mkdir(join(directory.path, 'proto'));
  for (const name of ['turbo.json', 'tsconfig.base.json']) await writeFile(join(directory.path, name), '{}');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await directory.remove();
});

describe('prepare', () => {
  it('ends what it started when it is interrupted, and then installs anew', async () => {
    await checkoutWith({ preinstall: 'echo $$ > pid; exec sleep 300' });
    const interrupted = prepare();
    const pid = await eventually(async () => Number(await readFile(join(directory.path, 'pid'), 'utf8')) || undefined, {
      what: 'the installation to begin',
    });
    interrupted.child.kill('SIGINT');
    expect(await interrupted.exited).toBe(1);
    // Whose parent is gone is reaped by another one, a moment later.
    await eventually(() => isGone(pid), { what: 'the end of the installation' });
    await mkdir(join(directory.path, 'node_modules', 'half'), { recursive: true });

    await checkoutWith({});
    const next = prepare();
    // There is no turbo in this checkout to build with.
    expect(await next.exited).toBe(1);
    expect(next.output()).toMatch(
      /interrupted; it begins anew\ninstalling .*\ninstalled in .*\nbuilding .*\n[\s\S]*turbo run build .*failed/,
    );
    await expect(access(join(directory.path, 'node_modules', 'half'))).rejects.toThrow('ENOENT');
  });

  it('waits for another that installs in the same checkout', async () => {
    await checkoutWith({ preinstall: 'until [ -e go ]; do sleep 0.05; done' });
    const first = prepare();
    await eventually(() => first.output().includes('installing'), { what: 'the first to install' });
    const second = prepare();
    await eventually(() => second.output().includes(`waiting for process ${first.child.pid}`), {
      what: 'the second to wait',
    });
    await writeFile(join(directory.path, 'go'), '');
    await Promise.all([first.exited, second.exited]);
    expect(first.output()).toContain('installed');
    expect(second.output()).not.toContain('installing');
  });
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function checkoutWith(scripts: Record<string, string>): Promise<void> {
  const manifest = { name: 'checkout', version: '1.0.0', private: true, workspaces: [], scripts };
  const lock = { name: 'checkout', version: '1.0.0', lockfileVersion: 3, requires: true, packages: {} };
  await writeFile(join(directory.path, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(directory.path, 'package-lock.json'), JSON.stringify(lock));
}

function prepare() {
  const script = join(directory.path, 'scripts', 'prepare.mjs');
  const child = spawn(process.execPath, ['-e', `import(${JSON.stringify(script)}).then((module) => module.prepare())`]);
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, exited, output: () => output };
}
