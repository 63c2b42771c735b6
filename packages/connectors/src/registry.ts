import type { NatsConnection } from '@nats-io/nats-core';
import type { Connection, Sink } from './contract.js';
import { NatsConnector, type NatsConnectorOptions } from './nats/connection.js';
import { CoreSink } from './nats/core-sink.js';
import type { ConnectionCheck } from './nats/examine/check.js';
import { type ExamineOptions, examine } from './nats/examine/examine.js';
import { JetStreamSink } from './nats/jetstream-sink.js';

/** Every connector there is, by the name that `CREATE CONNECTION ... TO` takes. */
const connectors = {
  nats: (options: NatsConnectorOptions): Connection => new NatsConnector(options),
} as const;

export type ConnectorName = keyof typeof connectors;

/** A connection as its definition describes it, not yet open. */
export function createConnection(connector: ConnectorName, options: NatsConnectorOptions): Connection {
  return connectors[connector](options);
}

const examiners = { nats: examine } as const satisfies {
  readonly [name in ConnectorName]: (options: ExamineOptions) => Promise<ConnectionCheck[]>;
};

/** Tests a connection as its definition describes it, and changes nothing. */
export function examineConnection(connector: ConnectorName, options: ExamineOptions): Promise<ConnectionCheck[]> {
  return examiners[connector](options);
}

/** Publishes on a connection that belongs to someone else, such as the mesh's own bus; `durable` waits for JetStream's acknowledgements. */
export function createOutputSink(nc: NatsConnection, { durable }: { durable: boolean }): Sink {
  return durable ? new JetStreamSink(nc) : new CoreSink(nc);
}
