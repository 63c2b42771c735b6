import { spawn } from 'node:child_process';
import { eventually } from '@laminar/test';
import { afterEach, describe, expect, it } from 'vitest';
import { type Ended, type Run, Supervised } from './supervised.js';

const supervised: Supervised[] = [];
afterEach(async () => {
  for (const each of supervised.splice(0)) {
    each.kill();
    await each.stop();
  }
});

describe('Supervised', () => {
  it('starts again what dies, after pauses that double', async () => {
    const { pids, said } = supervise('setInterval(() => {}, 1000)');
    for (let death = 1; death <= 3; death++) {
      const pid = await eventually(() => pids[death - 1], { what: `run ${death}` });
      process.kill(pid, 'SIGKILL');
      await eventually(() => said.length === death, { what: 'the death to be said' });
    }
    expect(said).toEqual([
      'a program was ended by SIGKILL; it is started again in 250 ms',
      'a program was ended by SIGKILL; it is started again in 500 ms',
      'a program was ended by SIGKILL; it is started again in 1000 ms',
    ]);
  });

  it('counts a start that fails as a death', async () => {
    const said: string[] = [];
    const failing = keep(
      new Supervised({
        name: 'a program',
        say: (line) => said.push(line),
        start: () => Promise.reject(new Error('there is none')),
      }),
    );
    await eventually(() => failing.deaths === 2, { what: 'two attempts' });
    expect(said[0]).toBe('a program did not start: there is none; it is started again in 250 ms');
    expect(failing.lastEnd).toEqual({ how: 'did not start: there is none', hopeless: false });
  });

  it('starts nothing more once it is asked to stop, also between two runs', async () => {
    const { program, pids } = supervise('process.exit(1)');
    await eventually(() => program.deaths === 1, { what: 'a death' });
    await program.stop();
    await program.stop();
    expect(pids).toHaveLength(1);
  });

  it('stops a run that was still starting when it was asked to', async () => {
    const { program } = supervise('setInterval(() => {}, 1000)');
    await program.stop();
    expect(program.deaths).toBe(0);
  });
});

function supervise(script: string): { program: Supervised; pids: number[]; said: string[] } {
  const pids: number[] = [];
  const said: string[] = [];
  const start = async (): Promise<Run> => {
    const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
    pids.push(child.pid ?? 0);
    const ended = new Promise<Ended>((resolve) => {
      child.once('exit', (code, signal) =>
        resolve({ how: signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`, hopeless: false }),
      );
    });
    return { ended, stop: () => void child.kill('SIGTERM'), kill: () => void child.kill('SIGKILL') };
  };
  return { program: keep(new Supervised({ name: 'a program', start, say: (line) => said.push(line) })), pids, said };
}

function keep(each: Supervised): Supervised {
  supervised.push(each);
  return each;
}
