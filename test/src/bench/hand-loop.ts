// The baseline: the same job as a team would write it by hand with nats.js, as a process of its own.
import { connect } from '@nats-io/transport-node';

const nc = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' });
nc.subscribe('hand.in.>', {
  callback: (error, message) => {
    if (error) throw error;
    const order = JSON.parse(Buffer.from(message.data).toString());
    if (!order.keep) return;
    const row = { id: order.id, customer: order.customer, double_amount: order.amount * 2, currency: order.currency };
    nc.publish('hand.out', Buffer.from(JSON.stringify(row)));
  },
});
await nc.flush();
process.send?.('ready');
process.on('disconnect', () => void nc.close());
