import type { Fault } from '../fault.js';
import { guestName, ingestionNames } from '../stage.js';

const both = ['single', 'cluster'] as const;
const others = ['control-plane', 'query'] as const;
const itself = (target: string): readonly string[] => [target];
const every = 'every ingestion process';

const start: Fault['heal'] = async ({ stage }, { target }) => {
  await stage.services.start(target);
  await stage.services.ready(target);
};

/** Processes that are killed, stand still, leave and come. */
export const processFaults: readonly Fault[] = [
  {
    name: 'kill ingestion',
    weight: 6,
    stages: both,
    targets: ingestionNames,
    durationMs: [0, 3000],
    holds: itself,
    apply: ({ stage }, { target }) => stage.services.end(target, 'SIGKILL'),
    heal: start,
  },
  {
    name: 'kill service',
    weight: 1,
    stages: both,
    targets: others,
    durationMs: [0, 3000],
    holds: itself,
    apply: ({ stage }, { target }) => stage.services.end(target, 'SIGKILL'),
    heal: start,
  },
  {
    name: 'kill',
    weight: 2,
    stages: both,
    targets: [every],
    durationMs: [0, 3000],
    holds: () => ingestionNames,
    apply: async ({ stage }) => {
      await Promise.all(ingestionNames.map((name) => stage.services.end(name, 'SIGKILL')));
    },
    heal: async ({ stage }) => {
      await Promise.all(ingestionNames.map((name) => stage.services.start(name)));
      await Promise.all(ingestionNames.map((name) => stage.services.ready(name)));
    },
  },
  {
    name: 'freeze ingestion',
    weight: 4,
    stages: both,
    targets: ingestionNames,
    durationMs: [300, 8000],
    holds: itself,
    apply: async ({ stage }, { target }) => stage.services.freeze(target),
    heal: async ({ stage }, { target }) => stage.services.thaw(target),
  },
  {
    name: 'freeze service',
    weight: 1,
    stages: both,
    targets: others,
    durationMs: [300, 8000],
    holds: itself,
    apply: async ({ stage }, { target }) => stage.services.freeze(target),
    heal: async ({ stage }, { target }) => stage.services.thaw(target),
  },
  {
    name: 'end in order',
    weight: 2,
    stages: both,
    targets: ingestionNames,
    durationMs: [0, 3000],
    holds: itself,
    apply: ({ stage }, { target }) => stage.services.end(target, 'SIGTERM'),
    heal: start,
  },
  {
    name: 'one more instance',
    weight: 2,
    stages: both,
    targets: [guestName],
    durationMs: [2000, 6000],
    holds: itself,
    apply: start,
    heal: ({ stage }, { target }) => stage.services.end(target, 'SIGTERM'),
  },
];
