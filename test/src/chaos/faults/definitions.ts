import type { Fault } from '../fault.js';
import { instant, nothing } from '../fault.js';
import { type ChaosPipeline, chaosPipelines, stoppablePipelines } from '../pipelines.js';

const both = ['single', 'cluster'] as const;
const itself = (target: string): readonly string[] => [target];
const pipelineOf = (name: string) => chaosPipelines.find((pipeline) => pipeline.name === name) as ChaosPipeline;

/** What users do to running pipelines. */
export const definitionFaults: readonly Fault[] = [
  {
    name: 'change the query of',
    weight: 4,
    stages: both,
    targets: chaosPipelines.map(({ name }) => name),
    durationMs: instant,
    holds: itself,
    apply: ({ definitions }, { target, index }) => definitions.change(pipelineOf(target), index + 1),
    heal: nothing,
  },
  {
    name: 'stop and start',
    weight: 2,
    stages: both,
    targets: stoppablePipelines,
    durationMs: [300, 4000],
    holds: itself,
    apply: ({ definitions }, { target }) => definitions.stop(target),
    heal: ({ definitions }, { target }) => definitions.start(target),
  },
];
