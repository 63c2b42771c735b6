import { type Kind, laminar, subjects } from '@laminar/protocol';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Service, ServiceMsg } from '@nats-io/services';
import { Asker } from './asker.js';
import { LiveQuery, type LiveQueryContext, type LiveQueryRequest } from './live-query.js';

const { LiveFailure, LiveQueryRequest: Request } = laminar.v1;

/** Live queries at a time; each holds a socket and what its asker has not taken yet. */
const runningMax = 64;
/** Of the service protocol's error header. */
const malformedCode = 400;

/** The live queries that this instance answers; of all instances, one answers each. */
export class LiveQueries {
  readonly #running = new Map<LiveQuery, Promise<void>>();
  #stopping = false;

  constructor(
    readonly nc: NatsConnection,
    readonly context: LiveQueryContext,
  ) {}

  /** Adds the endpoint to the instance's service. */
  answerOn(service: Service): void {
    service.addEndpoint('live', {
      subject: subjects.liveQuery,
      queue: 'laminar-ingestion',
      metadata: { request: 'laminar.v1.LiveQueryRequest', response: 'laminar.v1.LiveEvent, many, each a request' },
      handler: (error, message) => {
        if (!error) this.#answer(message);
      },
    });
  }

  /** Ends those that run: the bus was lost, and with it those who asked. */
  busLost(): void {
    for (const query of this.#running.keys()) query.end("the mesh's bus was lost");
  }

  /** Ends those that run. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const query of this.#running.keys()) query.end('the ingestion instance that answers is stopping');
    await Promise.all(this.#running.values());
  }

  /** Ends those that stand on a definition which has just changed in the catalog. */
  changed(kind: Kind, name: string): void {
    for (const query of this.#running.keys()) query.changed(kind, name);
  }

  #answer(message: ServiceMsg): void {
    const request = readRequest(message.data);
    if (!message.reply) return;
    if (!request) {
      message.respondError(malformedCode, 'the request is no laminar.v1.LiveQueryRequest with a time limit');
      return;
    }
    const asker = new Asker(this.nc, message.reply);
    if (this.#stopping || this.#running.size >= runningMax) {
      const busy = `the ingestion instance that answers runs ${runningMax} live queries, as many as it takes`;
      const failure = this.#stopping
        ? { kind: LiveFailure.Kind.KIND_INSTANCE, message: 'the ingestion instance that answers is stopping' }
        : { kind: LiveFailure.Kind.KIND_BUSY, message: busy };
      void asker.end({ failure });
      return;
    }
    const query = new LiveQuery(this.context, request, asker);
    const run = query.run().finally(() => this.#running.delete(query));
    this.#running.set(query, run);
  }
}

function readRequest(data: Uint8Array): LiveQueryRequest | undefined {
  try {
    const { query, revision, timeoutMs, rowsMax, bytesMax, traceparent, tellFailed } = Request.decode(data);
    if (timeoutMs === 0) return undefined;
    return {
      query,
      revision: Number(revision),
      timeoutMs,
      rowsMax: rowsMax || Number.POSITIVE_INFINITY,
      bytesMax: bytesMax || Number.POSITIVE_INFINITY,
      traceparent,
      tellFailed,
    };
  } catch {
    return undefined;
  }
}
