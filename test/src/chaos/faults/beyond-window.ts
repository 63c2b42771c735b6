import { setTimeout as wait } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { ingestionNames } from '../stage.js';

/** Duplicate window of the output streams in campaigns that go beyond it: a short one, so that outages need not be long. */
export const shortWindowMs = 10_000;
/** Rows are published in that time whose confirmation nobody hears. */
const unheardMs = 500;

/** Rows are published and not acknowledged, their processes die, and nobody is there until the output stream has forgotten their message ids. */
export const beyondWindowFault: Fault = {
  name: 'an outage longer than the duplicate window of',
  weight: 4,
  stages: ['single'],
  targets: ['every ingestion process'],
  durationMs: [1.2 * shortWindowMs, 1.5 * shortWindowMs],
  holds: () => ingestionNames,
  apply: async ({ stage }) => {
    stage.path('sink').loseAnswers();
    await wait(unheardMs);
    await Promise.all(ingestionNames.map((name) => stage.services.end(name, 'SIGKILL')));
    stage.path('sink').cut();
  },
  heal: async ({ stage }) => {
    await Promise.all(ingestionNames.map((name) => stage.services.start(name)));
    await Promise.all(ingestionNames.map((name) => stage.services.ready(name)));
  },
};
