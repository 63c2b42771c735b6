import { setInterval } from 'node:timers';
import type { ResolvedConnection } from '@laminar/definitions';
import type { NatsConnection, Status } from '@nats-io/nats-core';
import type { ConnectionLog, LogDetails } from '../connection-log.js';
import { roundTripMs } from './round-trip.js';
import { followStatus } from './status.js';

const rttIntervalMs = 30_000;

/** How a connection proves who it is; the values are nobody's business. */
const credentialKinds: { readonly [type in ResolvedConnection['credentials']['type']]: string } = {
  none: 'none',
  token: 'token',
  user: 'user and password',
  nkey: 'NKey',
  jwt: 'JWT and NKey',
};

/** What is about to be dialled, and as whom. */
export const dialDetails = ({ servers, credentials, tls }: ResolvedConnection): LogDetails => ({
  attributes: {
    servers: servers.join(', '),
    credentials: credentialKinds[credentials.type],
    tls: tls === undefined ? 'as the server wants it' : 'configured',
  },
});

/** Writes what the client does on its socket, under `debug`, until the function that is given back is called. */
export function followProtocol(nc: NatsConnection, log: ConnectionLog): () => void {
  const debug = (message: string, attributes: LogDetails['attributes'] = {}) =>
    log.write('debug', message, () => ({ attributes }));
  const connected = () => {
    debug('handshake done', {
      server: nc.getServer(),
      server_name: nc.info?.server_name,
      client_id: nc.info?.client_id,
    });
    measureRtt();
  };
  const measureRtt = () => {
    if (nc.isClosed()) return;
    roundTripMs(nc).then(
      (ms) => debug('round trip', { server: nc.getServer(), rtt_ms: ms }),
      // The connection was lost meanwhile, which has a line of its own.
      () => undefined,
    );
  };
  connected();
  const timer = setInterval(measureRtt, rttIntervalMs);
  const unfollow = followStatus(nc, (status) => {
    const line = lineOf(status);
    if (line) debug(...line);
    if (status.type === 'reconnect') connected();
  });
  return () => {
    clearInterval(timer);
    unfollow();
  };
}

type Line = readonly [message: string, attributes?: LogDetails['attributes']];

function lineOf(status: Status): Line | undefined {
  switch (status.type) {
    case 'disconnect':
      return ['socket lost', { server: status.server }];
    case 'reconnecting':
      return ['trying to reconnect'];
    case 'reconnect':
      return ['reconnected', { server: status.server }];
    case 'update':
      return [
        'the cluster told of other servers',
        { added: status.added?.join(', '), deleted: status.deleted?.join(', ') },
      ];
    case 'ldm':
      return ['the server is about to shut down and asks its clients to leave', { server: status.server }];
    case 'ping':
      return ['ping', { outstanding: status.pendingPings }];
    case 'forceReconnect':
      return ['the socket is left for another server'];
    case 'close':
      return ['socket closed'];
    // Errors have lines at their own level.
    default:
      return undefined;
  }
}
