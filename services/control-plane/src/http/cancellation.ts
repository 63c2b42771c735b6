import type { FastifyInstance, FastifyReply } from 'fastify';

/** Gives each request that waits a signal, which aborts when its client leaves or the service stops. */
export class Cancellation {
  readonly #waiting = new Set<AbortController>();
  #stopping = false;

  constructor(app: FastifyInstance) {
    app.addHook('preClose', async () => {
      this.#stopping = true;
      for (const controller of this.#waiting) controller.abort();
    });
    // Else a connection that is kept alive for the next request would hold up the stop.
    app.addHook('onSend', async (_request, reply) => {
      if (this.#stopping) reply.header('connection', 'close');
    });
  }

  signal(reply: FastifyReply): AbortSignal {
    const controller = new AbortController();
    const { raw: answer } = reply;
    const { socket } = reply.request.raw;
    const end = () => {
      answer.off('close', end);
      socket.off('close', end);
      this.#waiting.delete(controller);
      controller.abort();
    };
    this.#waiting.add(controller);
    answer.once('close', end);
    // An answer whose turn has not come yet, on a connection with several requests, is not told that the client left.
    socket.once('close', end);
    if (this.#stopping || socket.destroyed) end();
    return controller.signal;
  }
}
