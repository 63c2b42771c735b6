import { expect, it } from 'vitest';
import { type CampaignOptions, runCampaign } from './campaign.js';
import { report } from './outcome.js';

// A short campaign of one seed; `npm run test:chaos` is the long one.

const lines: string[] = [];
const options = (signal: AbortSignal): CampaignOptions => ({
  stage: 'single',
  seed: 30,
  messages: 5000,
  faults: 6,
  spreadMs: 0,
  beyondWindow: false,
  signal,
  say: (line) => void lines.push(line),
});

it('keeps every promise through the faults of a seed', async ({ signal }) => {
  const outcome = await runCampaign(options(signal));
  expect(outcome.shown, [...lines, ...report(outcome)].join('\n')).toEqual([]);
  expect(outcome).toMatchObject({ stored: 5000, violations: 0 });
  expect(outcome.incidents).toHaveLength(6);
  for (const { pipeline, counts } of outcome.pipelines) expect(counts.out, pipeline.name).toBeGreaterThan(0);
}, 300_000);

it('ends all that it started where it is interrupted', async () => {
  const controller = new AbortController();
  const say = () => controller.abort(new Error('interrupted'));
  await expect(runCampaign({ ...options(controller.signal), say })).rejects.toThrow('interrupted');
  expect(process.getActiveResourcesInfo().filter((resource) => resource === 'ProcessWrap')).toEqual([]);
}, 120_000);
