// The baseline of `connections`: as many plain connections as it is asked for, each with a subscription that the server has taken.
import { connect } from '@nats-io/transport-node';
import { natsUrl, ready } from './parent.js';

ready(async (count) => {
  const connections = await Promise.all(
    Array.from({ length: count as number }, async (_, i) => {
      const nc = await connect({ servers: natsUrl, name: `plain-${i}` });
      nc.subscribe(`herd.${i}`, { callback: () => undefined });
      await nc.flush();
      return nc;
    }),
  );
  process.on('disconnect', () => {
    for (const nc of connections) void nc.close();
  });
});
