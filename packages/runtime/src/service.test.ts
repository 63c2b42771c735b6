import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '@laminar/test';
import { afterEach, describe, expect, it } from 'vitest';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Running {
  readonly child: ChildProcess;
  output(): string;
  readonly exit: Promise<number | null>;
}

/** A service as a process of its own, whose `start` is the code given. */
function run(start: string, env: Record<string, string> = {}): Running {
  const script = `
    import { runService } from '${join(import.meta.dirname, 'index.ts')}';
    // What a real service does: it listens.
    setInterval(() => undefined, 1000);
    await runService({ name: 'query', start: async (context) => { ${start} } });
  `;
  const child = spawn(
    process.execPath,
    ['--conditions=laminar-source', '--import', 'tsx', '--input-type=module', '-e', script],
    { env: { ...process.env, OTEL_SDK_DISABLED: 'true', ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  children.push(child);
  let output = '';
  const keep = (data: Buffer) => {
    output += data.toString();
  };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', keep);
  return {
    child,
    output: () => output,
    exit: new Promise((resolve) => child.once('close', (code) => resolve(code))),
  };
}

const service = "return { stop: async () => { context.logger.info('drained'); } };";
const started = ({ output }: Running) =>
  eventually(() => output().includes('"started"'), { what: 'the service to start' });

describe('a service', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('drains on %s and ends with 0', async (signal) => {
    const running = run(service);
    await started(running);
    running.child.kill(signal);
    expect(await running.exit).toBe(0);
    expect(running.output()).toMatch(/stopping[\s\S]*drained[\s\S]*stopped/);
  });

  it('drains at the end of its lifeline, and only where it has one', async () => {
    const bound = run(service, { LAMINAR_LIFELINE: 'stdin' });
    const free = run(service);
    await Promise.all([started(bound), started(free)]);
    bound.child.stdin?.end();
    free.child.stdin?.end();
    expect(await bound.exit).toBe(0);
    expect(free.child.exitCode).toBeNull();
    free.child.kill('SIGTERM');
    expect(await free.exit).toBe(0);
  });

  it('ends while it still starts', async () => {
    const running = run("context.logger.info('starting'); await new Promise(() => undefined);");
    await eventually(() => running.output().includes('"starting"'), { what: 'the start to begin' });
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(0);
  });

  it('ends at once on a second request', async () => {
    const running = run('return { stop: () => new Promise(() => undefined) };');
    await started(running);
    running.child.kill('SIGTERM');
    await eventually(() => running.output().includes('"stopping"'), { what: 'the stop to begin' });
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(1);
  });

  it('ends with 2 and one line where the environment is wrong', async () => {
    const running = run(service, { LAMINAR_CONTROL_PORT: 'http' });
    expect(await running.exit).toBe(2);
    expect(running.output()).toBe('LAMINAR_CONTROL_PORT: expected a whole number from 0 to 65535, got "http"\n');
  });

  it.each([
    ['its start fails', "throw new Error('no luck');"],
    [
      'something throws later',
      "setTimeout(() => { throw new Error('no luck'); }, 10); return { stop: async () => undefined };",
    ],
    [
      'a promise is rejected later',
      "setTimeout(() => Promise.reject(new Error('no luck')), 10); return { stop: async () => undefined };",
    ],
  ])('ends with 1 where %s, and says why', async (_, start) => {
    const running = run(start);
    expect(await running.exit).toBe(1);
    expect(running.output()).toMatch(/no luck/);
  });
});
