import { type DeadLetterRetried, subjects } from '@laminar/protocol';
import { eventually } from '@laminar/test';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

// What a pipeline with a reader of its own gives up is its own affair: its siblings have had the same message by theirs.

let mesh: IngestionMesh;
beforeAll(async () => {
  mesh = await IngestionMesh.start();
});
afterAll(() => mesh?.stop());

const retry = async (id: string, owner: string | undefined): Promise<DeadLetterRetried> =>
  (await mesh.nc.request(subjects.deadLetterRetry('orders', owner), JSON.stringify({ id }))).json();

function rowsOf(pipeline: string): number[] {
  const rows: number[] = [];
  mesh.nc.subscribe(subjects.output(pipeline), {
    callback: (_, message) => void rows.push(message.json<{ n: number }>().n),
  });
  return rows;
}

it('is a letter of that pipeline, and tried again by it alone', async () => {
  await mesh.connection('orders', {
    type: 'source',
    format: 'json',
    jetstream: true,
    subject: 'orders.>',
    stream_name: 'ORDERS',
    stream_subjects: 'orders.>',
  });
  const [own, shared] = [rowsOf('own'), rowsOf('shared')];
  await mesh.pipeline('own', 'SELECT 10 / (n - 1) AS n FROM orders', { reader: 'own' });
  await mesh.pipeline('shared', 'SELECT n FROM orders');
  for (const name of ['own', 'shared']) await mesh.settled(name, 'running');
  await mesh.js.publish('orders.a', 'no JSON');
  await mesh.feed('orders.a', 1, 2);
  const letters = await eventually(
    async () => {
      const all = await mesh.deadLetters('orders');
      return all.length === 3 && all;
    },
    { what: 'a letter of what none can read from each reader, and one of the division by zero' },
  );
  const of = (pipeline: string | undefined, payload: string) => {
    const letter = letters.find((one) => one.pipeline === pipeline && one.payload === payload);
    expect(letter, `of ${pipeline}: ${payload}`).toBeDefined();
    return letter?.id ?? '';
  };
  const [undecodable, failed] = [of('own', 'no JSON'), of('own', '{"n":1}')];
  expect(await retry(of(undefined, 'no JSON'), undefined)).toMatchObject({ outcome: 'failed' });
  await eventually(() => shared.length === 1, { what: 'the row of the sibling' });

  await mesh.pipeline('own', 'SELECT n FROM orders', { reader: 'own' });
  await mesh.settled('own', 'running');
  expect(await retry(undecodable, 'own')).toMatchObject({ outcome: 'failed' });
  expect(await retry(undecodable, undefined)).toMatchObject({ outcome: 'not_running' });
  expect(await retry(failed, 'own')).toEqual({ outcome: 'processed', rows: 1 });
  await eventually(() => own.length === 1, { what: 'its row' });
  expect({ own, shared }).toEqual({ own: [1], shared: [1] });
  expect((await mesh.deadLetters('orders')).map(({ id }) => id)).not.toContain(failed);
});
