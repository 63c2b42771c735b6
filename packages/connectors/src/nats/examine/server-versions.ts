import { greet } from './greeting.js';

/** What a server says of its version before anybody says who they are. */
export interface ServerVersion {
  readonly server: string;
  /** Undefined where it said none. */
  readonly version: string | undefined;
  /** It took the connection, whatever came then. */
  readonly reached: boolean;
  /** Why there is no version. */
  readonly reason: string;
}

/** Asks each server, as `nats://host:port`, at once. A server that shakes hands by TLS first says nothing. Never throws. */
export function serverVersions(servers: readonly string[], timeoutMs: number): Promise<ServerVersion[]> {
  return Promise.all(
    servers.map(async (server) => {
      const met = await greet(server, { silent: false, timeoutMs });
      if (!('socket' in met)) return { server, version: undefined, reached: met.reached, reason: met.reason };
      met.socket.destroy();
      return { server, version: met.greeting?.version, reached: true, reason: '' };
    }),
  );
}
