// The job of `jetstream-to-core` by hand: a durable read by callback, the row published, the message acknowledged.
import { type ConsumerMessages, jetstream } from '@nats-io/jetstream';
import { connectNats, ready } from './parent.js';

const nc = await connectNats();
let messages: ConsumerMessages | undefined;
ready(async (request) => {
  await messages?.close();
  messages = undefined;
  if (request !== 'start') return;
  const consumer = await jetstream(nc).consumers.get('HAND_IN', 'hand');
  messages = await consumer.consume({
    callback: (message) => {
      const { id, customer, amount, keep, currency } = JSON.parse(Buffer.from(message.data).toString());
      if (keep) {
        const row = { id, customer, double_amount: amount * 2, currency };
        nc.publish('hand.out', Buffer.from(JSON.stringify(row)));
      }
      message.ack();
    },
  });
});
