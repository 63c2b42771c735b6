import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Whether a service can do its work now, and if not, why. */
export class Health {
  #reasons = new Map<string, string>([['start', 'the service is starting']]);

  /** Something that readiness waits for, by name; `undefined` says that it is well. */
  set(what: string, reason: string | undefined): void {
    if (reason === undefined) this.#reasons.delete(what);
    else this.#reasons.set(what, reason);
  }

  /** Why the service is not ready; undefined when it is. */
  get reason(): string | undefined {
    return this.#reasons.size === 0 ? undefined : [...this.#reasons.values()].join('; ');
  }
}

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  readonly health: Health;
  metricsHandler(request: IncomingMessage, response: ServerResponse): void;
}

/** Answers `/livez`, `/readyz` and `/metrics` for a service without an HTTP API of its own. */
export async function startHealthServer(
  options: HealthServerOptions,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD')
      answer(response, 405, { title: 'Method Not Allowed', status: 405 });
    else if (path === '/livez') answer(response, 200, { status: 'alive' });
    else if (path === '/readyz') {
      const { reason } = options.health;
      answer(
        response,
        reason === undefined ? 200 : 503,
        reason === undefined ? { status: 'ready' } : { status: 'not ready', reason },
      );
    } else if (path === '/metrics') options.metricsHandler(request, response);
    else answer(response, 404, { title: 'Not Found', status: 404 });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
