import type { OwnBus } from '@laminar/definitions/decisions';
import type { NatsConnection } from '@nats-io/nats-core';

/** The bus as its connection knows it: the server that it is connected to, and those of its cluster that this one tells clients of. */
export function ownBusOf(nc: NatsConnection): OwnBus {
  const { info } = nc;
  return {
    servers: [nc.getServer(), ...(info?.connect_urls ?? [])].map((server) => `nats://${server.toLowerCase()}`),
    isOpen: info?.auth_required !== true,
  };
}
