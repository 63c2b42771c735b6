// The job of `jetstream-to-jetstream` by hand: rows are published with an id, and a message is acknowledged when its row is stored. As many are under
// way at once as the durable lets be unacknowledged.
import { type ConsumerMessages, type JsMsg, jetstream } from '@nats-io/jetstream';
import { connectNats, ready } from './parent.js';

const nc = await connectNats();
const js = jetstream(nc);
let messages: ConsumerMessages | undefined;
ready(async (request) => {
  await messages?.close();
  messages = undefined;
  if (request !== 'start') return;
  const consumer = await js.consumers.get('HAND_IN', 'hand');
  messages = await consumer.consume({ callback: (message) => void store(message) });
});

async function store(message: JsMsg): Promise<void> {
  const { id, customer, amount, keep, currency } = JSON.parse(Buffer.from(message.data).toString());
  if (keep) {
    const row = { id, customer, double_amount: amount * 2, currency };
    await js.publish('hand.out', Buffer.from(JSON.stringify(row)), { msgID: `HAND_IN:${message.seq}` });
  }
  message.ack();
}
