import type { Fault } from '../fault.js';
import { busPath, dataPaths, serviceNames } from '../stage.js';

const stages = ['single'] as const;
const targets = [...dataPaths, ...serviceNames.map(busPath)];
const holds = (target: string): readonly string[] => [target];
/** 64 KiB at most in so long, each way and connection. */
const slowRestMs = 40;

/** What can become of a path between the mesh and a server. */
export const pathFaults: readonly Fault[] = [
  {
    name: 'nothing moves on the path of',
    weight: 3,
    stages,
    targets,
    durationMs: [500, 8000],
    holds,
    apply: async ({ stage }, { target }) => stage.path(target).pause(),
    heal: async ({ stage }, { target }) => stage.path(target).resume(),
  },
  {
    name: 'no answers on the path of',
    weight: 3,
    stages,
    targets,
    durationMs: [200, 4000],
    holds,
    apply: async ({ stage }, { target }) => stage.path(target).loseAnswers(),
    heal: async ({ stage }, { target }) => stage.path(target).cut(),
  },
  {
    name: 'cut the path of',
    weight: 3,
    stages,
    targets,
    durationMs: [0, 6000],
    holds,
    apply: async ({ stage }, { target }) => stage.path(target).refuse(),
    heal: async ({ stage }, { target }) => stage.path(target).cut(),
  },
  {
    name: 'slow the path of',
    weight: 2,
    stages,
    targets,
    durationMs: [1000, 5000],
    holds,
    apply: async ({ stage }, { target }) => stage.path(target).slow(slowRestMs),
    heal: async ({ stage }, { target }) => stage.path(target).slow(0),
  },
];
