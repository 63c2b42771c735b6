import { laminar, streams, subjects } from '@laminar/protocol';
import { eventually } from '@laminar/test';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IngestionMesh } from '../testing/ingestion-mesh.js';

// Counters count since the definition was made, and never go back while it lives.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

async function counted(pipeline: string) {
  const message = await mesh.jsm.streams.getMessage(streams.metrics, {
    last_by_subj: subjects.metrics('ingestion-1', 0),
  });
  const { pipelines } = laminar.v1.InstanceMetrics.decode(message?.data ?? new Uint8Array());
  const found = pipelines.find(({ name }) => name === pipeline);
  return found && { in: Number(found.messagesIn), out: Number(found.messagesOut) };
}

const publish = (count: number) => {
  for (let n = 0; n < count; n++) mesh.nc.publish('counted', JSON.stringify({ n }));
};

const reach = (total: { in: number; out: number }) =>
  eventually(
    async () => {
      expect(await counted('counted')).toEqual(total);
      return true;
    },
    { what: `${total.in} messages`, timeoutMs: 5000 },
  );

it('go on after a restart, also of a name that was dropped before, and begin anew with a new one', async () => {
  const query = 'SELECT n FROM counted WHERE n % 2 = 0';
  await mesh.connection('counted', { type: 'source', format: 'json', subject: 'counted' });
  await mesh.pipeline('counted', query);
  await mesh.settled('counted', 'running');
  publish(10);
  await reach({ in: 10, out: 5 });

  await mesh.append('pipeline', 'counted', { type: 'PipelineDropped' });
  await mesh.append('pipeline', 'counted', {
    type: 'PipelineCreated',
    definition: { query, desired: 'running', options: {}, reads: ['counted'], writes: undefined, calls: [] },
  });
  await mesh.settled('counted', 'running');
  publish(4);
  await reach({ in: 4, out: 2 });

  await mesh.process.stop();
  await mesh.mesh.start('ingestion', 'ingestion-1');
  await mesh.settled('counted', 'running');
  publish(6);
  await reach({ in: 10, out: 5 });
});
