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
    if (this.#stopping) controller.abort();
    this.#waiting.add(controller);
    reply.raw.once('close', () => {
      this.#waiting.delete(controller);
      controller.abort();
    });
    return controller.signal;
  }
}
