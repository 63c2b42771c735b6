import type { NatsConnection } from '@nats-io/nats-core';
import { type Service, Svcm } from '@nats-io/services';

/** Makes a service known on the bus by NATS' service protocol (NATS ADR-32), as `nats micro ls` lists it. Endpoints may be added. */
export function announceService(
  nc: NatsConnection,
  options: { name: string; description: string; instance: string },
): Promise<Service> {
  const { name, description, instance } = options;
  return new Svcm(nc).add({ name, version: '0.1.0', description, metadata: { instance } });
}
