import { connect, type NatsConnection } from '@nats-io/transport-node';

/** The server that the benchmark named. */
export const natsUrl = process.env.NATS_URL ?? 'nats://127.0.0.1:4222';

/** A connection that keeps the process alive as long as its parent is there. */
export async function connectNats(): Promise<NatsConnection> {
  const nc = await connect({ servers: natsUrl });
  process.on('disconnect', () => void nc.close());
  return nc;
}

/** Tells the parent that it may begin; what it asks is answered by `answer`, one request after the other. */
export function ready(answer: (request: unknown) => unknown = () => undefined): void {
  process.on('message', (request) => {
    void Promise.resolve(answer(request)).then((result) => process.send?.({ result }));
  });
  process.send?.({ ready: true });
}
