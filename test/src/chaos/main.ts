// `npm run test:chaos`: faults by a seed, and what came of the messages. `--seed n` repeats the faults of a run, `--messages n` and `--minutes n` say how many
// messages there are and over how much time they are spread at least; `--beyond-window` adds outages longer than the output's duplicate window.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type CampaignOptions, runCampaign } from './campaign.js';
import { report } from './outcome.js';

/** Where each fault of a million messages is one of a hundred. */
const messagesPerFault = 10_000;
/** A cluster stores each message three times, and takes its time for it. */
const clusterShare = 0.05;
const faultsMin = 10;

const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => controller.abort(new Error(`ended by ${signal}`)));

try {
  const { seed, messages, minutes, beyondWindow } = readArguments();
  const again = `npm run test:chaos -- --seed ${seed} --messages ${messages} --minutes ${minutes}${beyondWindow ? ' --beyond-window' : ''}`;
  console.log(`seed ${seed}; to repeat the faults: ${again}`);
  const say = (line: string) => console.log(line);
  const of = (stage: CampaignOptions['stage'], share: number): CampaignOptions => ({
    ...{ stage, seed, beyondWindow, say, signal: controller.signal },
    messages: Math.round(messages * share),
    faults: Math.max(faultsMin, Math.round((messages * share) / messagesPerFault)),
    spreadMs: minutes * 60_000 * share,
  });
  for (const options of [of('single', 1 - clusterShare), of('cluster', clusterShare)]) {
    const outcome = await runCampaign(options);
    for (const line of report(outcome)) console.log(line);
    if (outcome.violations > 0) {
      process.exitCode = 1;
      console.log(`to repeat the faults: ${again}`);
    }
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
// What an abort left waiting has nothing to wait for any more.
process.exit();

function readArguments() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      messages: { type: 'string', default: '1000000' },
      minutes: { type: 'string', default: '0' },
      'beyond-window': { type: 'boolean', default: false },
    },
  });
  const number = (name: 'seed' | 'messages' | 'minutes', min: number) => {
    const value = Number(values[name]);
    if (values[name].trim() !== '' && Number.isFinite(value) && value >= min) return value;
    console.error(`--${name} must be a number from ${min} on, not "${values[name]}"`);
    process.exit(2);
  };
  return {
    seed: Math.floor(number('seed', 0)),
    messages: Math.floor(number('messages', 1000)),
    minutes: number('minutes', 0),
    beyondWindow: values['beyond-window'],
  };
}
