import { spawnSync } from 'node:child_process';
import type { Fault } from '../fault.js';
import { serviceNames } from '../stage.js';

const both = ['single', 'cluster'] as const;
const stepMs = 3_600_000;
/** No file of the process may grow beyond that, as on a disk that is full; writes fail, since Node ignores SIGXFSZ. */
const fullDiskBytes = 4096;

const clock = (direction: 'forward' | 'back', stepByMs: number): Fault => ({
  name: `the clock goes an hour ${direction} for`,
  weight: 1.5,
  stages: both,
  targets: serviceNames,
  durationMs: [1000, 5000],
  holds: (target) => [target],
  apply: ({ stage }, { target }) => stage.shiftClock(target, stepByMs),
  // The step back to what it was is one in the other direction.
  heal: ({ stage }, { target }) => stage.shiftClock(target, 0),
});

/** What the machine does to a process: its wall clock, its disk. */
export const machineFaults: readonly Fault[] = [
  clock('forward', stepMs),
  clock('back', -stepMs),
  {
    name: 'no room on the disk of',
    weight: 1,
    stages: both,
    targets: ['query'],
    durationMs: [1000, 5000],
    holds: (target) => [target],
    apply: async ({ stage }, { target }) => limitFiles(stage.services.running(target).pid, String(fullDiskBytes)),
    heal: async ({ stage }, { target }) => limitFiles(stage.services.running(target).pid, 'unlimited'),
  },
];

/** Whether files of another process can be limited here: `prlimit` is of Linux, and the soft limit needs no rights. */
export const canLimitFiles = (): boolean => spawnSync('prlimit', ['--version']).status === 0;

function limitFiles(pid: number, bytes: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`prlimit: ${stderr}`);
}
