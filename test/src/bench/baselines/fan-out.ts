// The job of `fan-out` by hand: one subscription, one JSON.parse, ten filters, a row for each that holds.
import { connectNats, ready } from './parent.js';

const nc = await connectNats();
nc.subscribe('hand.in.>', {
  callback: (error, message) => {
    if (error) throw error;
    const { id, customer, amount, percent, currency } = JSON.parse(Buffer.from(message.data).toString());
    for (let tenth = 0; tenth < 10; tenth++) {
      if (percent < tenth * 10 || percent >= (tenth + 1) * 10) continue;
      const row = { id, customer, double_amount: amount * 2, currency };
      nc.publish(`hand.out.${tenth}`, Buffer.from(JSON.stringify(row)));
    }
  },
});
await nc.flush();
ready();
