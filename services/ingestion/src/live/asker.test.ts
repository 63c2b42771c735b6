import { laminar } from '@laminar/protocol';
import { eventually, startNats } from '@laminar/test';
import { createInbox } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { expect, it, onTestFinished } from 'vitest';
import { Asker } from './asker.js';

const { LiveAnswer, LiveEvent } = laminar.v1;
const mebibyte = 1024 * 1024;

it('takes no more rows before what waits has become little, however much one message gave', async () => {
  const server = await startNats();
  onTestFinished(() => server.stop());
  const nc = await connect({ servers: server.url });
  onTestFinished(() => nc.close());
  const inbox = createInbox();
  let told = 0;
  nc.subscribe(inbox, {
    callback: (_, message) => {
      for (const row of LiveEvent.decode(message.data).rows?.rows ?? []) told += row.length;
      message.respond(LiveAnswer.encode({ what: LiveAnswer.What.WHAT_NEXT }).finish());
    },
  });
  const asker = new Asker(nc, inbox);
  for (let i = 0; i < 8; i++) asker.row(new Uint8Array(mebibyte));
  await asker.ready();
  expect(told).toBeGreaterThan(7 * mebibyte);
  expect(asker.ready()).toBeUndefined();
  await asker.end({ end: {} });
  await eventually(() => told === 8 * mebibyte, { what: 'all rows to be told' });
});

it('tells the end to somebody who answered one event too late', async () => {
  const server = await startNats();
  onTestFinished(() => server.stop());
  const nc = await connect({ servers: server.url });
  onTestFinished(() => nc.close());
  const inbox = createInbox();
  const told: string[] = [];
  nc.subscribe(inbox, {
    callback: (_, message) => {
      const { rows, end } = LiveEvent.decode(message.data);
      told.push(rows ? 'rows' : end ? 'end' : 'idle');
      // The answer to the rows is lost to an instance that does not get to run.
      if (!rows) message.respond(LiveAnswer.encode({ what: LiveAnswer.What.WHAT_NEXT }).finish());
    },
  });
  const asker = new Asker(nc, inbox);
  asker.row(new Uint8Array(1));
  await asker.end({ end: {} });
  await eventually(() => told.at(-1) === 'end', { what: 'the end to be told' });
  expect(told).toEqual(['rows', 'idle', 'end']);
});
