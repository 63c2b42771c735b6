import { expect, it } from 'vitest';
import type { ConnectionSpec } from '../desired/slot.js';
import type { ConnectionStanding } from '../jobs/connection-loop.js';
import { connectionEntry } from './entries.js';

const note = 'the consumer was gone and was made again, to go on after sequence 300';

it('says what became of a durable, whoever made it again', () => {
  const spec = { revision: 7 } as ConnectionSpec;
  const message = (standing: ConnectionStanding) =>
    connectionEntry(7, {
      jobs: [{ spec: { connection: spec }, standing }],
      sink: undefined,
      provisioned: { state: 'idle', message: note, note, revision: 7 },
    })?.message;
  expect(message({ state: 'connected', message: '' })).toBe(note);
  expect(message({ state: 'blocked', message: 'the stream is gone' })).toBe('the stream is gone');
});
