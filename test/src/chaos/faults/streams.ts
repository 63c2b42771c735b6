import { DiscardPolicy } from '@nats-io/jetstream';
import { retried } from '../definitions.js';
import type { Fault } from '../fault.js';
import { instant, nothing } from '../fault.js';
import { poisonKind } from '../messages.js';
import { chaosPipelines, chaosSources, inputStream, outputStream } from '../pipelines.js';

const both = ['single', 'cluster'] as const;
const durables = chaosSources.flatMap(({ durable }) => durable ?? []);
const outputs = chaosPipelines.filter(({ jetstream }) => jetstream).map(({ name }) => name);
const itself = (target: string): readonly string[] => [target];
/** So many messages that somebody has yet to read are removed. */
const purgedMessages = 200;

/** What others do to the streams and consumers of the mesh, and what they put into them. */
export const streamFaults: readonly Fault[] = [
  {
    name: 'delete the consumer',
    weight: 2,
    stages: both,
    targets: durables,
    durationMs: instant,
    holds: itself,
    apply: async ({ stage }, { target }) => {
      await retried(`deleting ${target}`, () => stage.jsm.consumers.delete(inputStream, target).catch(unlessGone));
    },
    heal: nothing,
  },
  {
    name: 'purge the unread of',
    weight: 1,
    stages: both,
    targets: ['the input'],
    durationMs: instant,
    holds: itself,
    apply: async ({ stage, stored, floor }) => {
      const last = Math.min(floor() + purgedMessages, stored.count - 1);
      const before = stored.sequences[last] ?? 0;
      // Messages that had to be stored again stand behind others of a higher number.
      for (let n = floor(); n < stored.count; n++) if ((stored.sequences[n] ?? 0) < before) stored.purge(n);
      await retried('purging', () => stage.jsm.streams.purge(inputStream, { seq: before }));
    },
    heal: nothing,
  },
  {
    name: 'no room in the output of',
    weight: 2,
    stages: both,
    targets: outputs,
    durationMs: [300, 4000],
    holds: itself,
    apply: async ({ stage }, { target }) => {
      const stream = outputStream(target);
      await retried(`filling ${stream}`, async () => {
        const { state } = await stage.jsm.streams.info(stream);
        await stage.jsm.streams.update(stream, { max_msgs: Math.max(1, state.messages), discard: DiscardPolicy.New });
      });
    },
    heal: async ({ stage }, { target }) => {
      const stream = outputStream(target);
      await retried(`making room in ${stream}`, () =>
        stage.jsm.streams.update(stream, { max_msgs: -1, discard: DiscardPolicy.Old }),
      );
    },
  },
  // What it is lies in the messages themselves.
  {
    name: poisonKind,
    weight: 2,
    stages: both,
    targets: ['in the input'],
    durationMs: instant,
    holds: itself,
    apply: nothing,
    heal: nothing,
  },
];

/** Somebody had deleted it before the answer was lost. */
function unlessGone(error: unknown): boolean {
  if (error instanceof Error && /not found/.test(error.message)) return false;
  throw error;
}
