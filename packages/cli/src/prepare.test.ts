import { type ChildProcess, spawn } from 'node:child_process';
import { access, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, temporaryDirectory } from '@laminar/test';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkout } from './checkout.js';

/** A checkout with one package, whose installation and build take as long as their scripts say. */
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = await temporaryDirectory('prepare');
  await cp(join(checkout, 'scripts'), join(directory.path, 'scripts'), { recursive: true });
  await cp(join(checkout, '.npmrc'), join(directory.path, '.npmrc'));
  await mkdir(join(directory.path, 'proto'));
  for (const name of ['turbo.json', 'tsconfig.json', 'tsconfig.base.json'])
    await writeFile(join(directory.path, name), '{}');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await directory.remove();
});

describe('prepare', () => {
  it('ends what it started when it is interrupted, and then installs anew', async () => {
    await checkoutWith({
      preinstall: 'echo $$ > preinstall.pid; exec sleep 300',
      turbo: 'echo $$ > turbo.pid; exec sleep 300',
    });
    const interrupted = prepare();
    const pids = [await pidOf('preinstall'), await pidOf('turbo')];
    interrupted.child.kill('SIGINT');
    expect(await interrupted.exited).toBe(1);
    // Whose parent is gone is reaped by another one, a moment later.
    await eventually(() => pids.every(isGone), { what: 'the end of the installation and of the build' });
    await mkdir(join(directory.path, 'node_modules', 'half'), { recursive: true });

    await checkoutWith({ preinstall: 'true', turbo: 'exit 0' });
    const next = prepare();
    expect(await next.exited, next.output()).toBe(0);
    expect(next.output()).toMatch(/interrupted; it begins anew\ninstalling .*\ninstalled in /);
    await expect(access(join(directory.path, 'node_modules', 'half'))).rejects.toThrow('ENOENT');
  });

  it('ends the install scripts where the build fails, and says why', async () => {
    await checkoutWith({
      preinstall: 'echo $$ > preinstall.pid; exec sleep 300',
      turbo: 'until [ -s slow/preinstall.pid ]; do sleep 0.05; done; echo no such type; exit 1',
    });
    const failing = prepare();
    expect(await failing.exited).toBe(1);
    expect(failing.output()).toMatch(/no such type\n\n.*turbo run build .*failed/);
    const pid = await pidOf('preinstall');
    await eventually(() => isGone(pid), { what: 'the end of the installation' });
  });

  it('leaves it to npm what of an installation there is has to be compiled again', async () => {
    await checkoutWith({ preinstall: 'true', turbo: 'exit 0' });
    for (const [description, hasScriptsRun] of [
      ['new', true],
      ['changed', false],
    ] as const) {
      await describeCheckout(description);
      const next = prepare();
      expect(await next.exited, next.output()).toBe(0);
      expect(next.output()).toContain('installed in');
      expect(next.output().includes('running their install scripts')).toBe(hasScriptsRun);
    }
  });

  it('waits for another that installs in the same checkout', async () => {
    await checkoutWith({ preinstall: 'until [ -e go ]; do sleep 0.05; done', turbo: 'exit 0' });
    const first = prepare();
    await eventually(() => first.output().includes('installing'), { what: 'the first to install' });
    const second = prepare();
    await eventually(() => second.output().includes(`waiting for process ${first.child.pid}`), {
      what: 'the second to wait',
    });
    await writeFile(join(directory.path, 'slow', 'go'), '');
    expect(await Promise.all([first.exited, second.exited]), first.output()).toEqual([0, 0]);
    expect(first.output()).toMatch(/^installed in/m);
    expect(second.output()).not.toContain('installing');
  });
});

/** Of a script of the package, or of its turbo, once it has written that down. */
function pidOf(script: string): Promise<number> {
  const folder = script === 'turbo' ? directory.path : join(directory.path, 'slow');
  return eventually(async () => Number(await readFile(join(folder, `${script}.pid`), 'utf8')) || undefined, {
    what: `${script} to begin`,
  });
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** A package whose installation runs `preinstall`, and which brings along what takes turbo's place, a shell script too. */
async function checkoutWith({ preinstall, turbo }: { preinstall: string; turbo: string }): Promise<void> {
  const slow = { name: 'slow', version: '1.0.0', bin: { turbo: 'turbo.sh' }, scripts: { preinstall } };
  const manifest = { name: 'checkout', version: '1.0.0', private: true, workspaces: ['slow'] };
  const packages = {
    '': { name: 'checkout', version: '1.0.0', workspaces: ['slow'] },
    'node_modules/slow': { resolved: 'slow', link: true },
    slow: { version: '1.0.0', hasInstallScript: true, bin: { turbo: 'turbo.sh' } },
  };
  const lock = { name: 'checkout', version: '1.0.0', lockfileVersion: 3, requires: true, packages };
  await mkdir(join(directory.path, 'slow'), { recursive: true });
  await writeFile(join(directory.path, 'slow', 'package.json'), JSON.stringify(slow));
  await writeFile(join(directory.path, 'slow', 'turbo.sh'), `#!/bin/sh\n${turbo}\n`, { mode: 0o755 });
  await writeFile(join(directory.path, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(directory.path, 'package-lock.json'), JSON.stringify(lock));
}

/** Changes what is to be installed, as far as prepare sees. */
async function describeCheckout(description: string): Promise<void> {
  const file = join(directory.path, 'package.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), description }));
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
