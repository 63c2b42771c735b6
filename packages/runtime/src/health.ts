import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What `/readyz` answers. */
export interface Readiness {
  readonly code: 200 | 503;
  readonly body: { readonly status: string; readonly reason?: string; readonly warnings?: readonly string[] };
}

/** Whether a service can do its work now, and if not, why. */
export class Health {
  readonly #warnings = new Map<string, readonly string[]>();
  #reasons = new Map<string, string>([['start', 'the service is starting']]);

  /** Something that readiness waits for, by name; `undefined` says that it is well. */
  set(what: string, reason: string | undefined): void {
    if (reason === undefined) this.#reasons.delete(what);
    else this.#reasons.set(what, reason);
  }

  /** What keeps the service from nothing and should be known all the same, in place of what was said of it before. Anybody may read it. */
  warn(of: string, warnings: readonly string[]): void {
    this.#warnings.set(of, warnings);
  }

  get readiness(): Readiness {
    const { reason } = this;
    const warnings = [...this.#warnings.values()].flat();
    const also = warnings.length === 0 ? {} : { warnings };
    if (reason === undefined) return { code: 200, body: { status: 'ready', ...also } };
    return { code: 503, body: { status: 'not ready', reason, ...also } };
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
      const { code, body } = options.health.readiness;
      answer(response, code, body);
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
