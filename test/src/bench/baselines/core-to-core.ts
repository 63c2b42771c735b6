// The job of `core-to-core` and `latency` as a team would write it by hand with nats.js.
import { connectNats, ready } from './parent.js';

const nc = await connectNats();
nc.subscribe('hand.in.>', {
  callback: (error, message) => {
    if (error) throw error;
    const { id, customer, amount, keep, currency, sent } = JSON.parse(Buffer.from(message.data).toString());
    if (!keep) return;
    const row = { id, customer, double_amount: amount * 2, currency, sent };
    nc.publish('hand.out', Buffer.from(JSON.stringify(row)));
  },
});
await nc.flush();
ready();
