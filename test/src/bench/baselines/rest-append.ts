// The baseline of `rest-writes`: a bare Fastify that appends what is posted to a stream, and answers when it is stored.
import { jetstream } from '@nats-io/jetstream';
import Fastify from 'fastify';
import { connectNats, ready } from './parent.js';

const nc = await connectNats();
const js = jetstream(nc);
const app = Fastify();
app.post<{ Body: { readonly name: string } }>('/connections', async (request, reply) => {
  const { seq } = await js.publish(`hand.log.${request.body.name}`, JSON.stringify(request.body));
  return await reply.code(201).send({ ...request.body, revision: seq });
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => void app.close());
ready(() => url);
