import { hasDurable, type ResolvedConnection } from '@laminar/definitions';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Provision } from '../contract.js';
import { type Maker, madeFor } from './consumer-config.js';
import { apiCodes, connectorError, hasCode } from './errors.js';
import { ensureConsumer } from './provision-consumer.js';
import { ensureStream } from './provision-stream.js';
import type { PositionMemory } from './read-position.js';

/** Makes the stream and the durable that a definition asks for, and says what is not as it should be. Throws `ConnectorError`. */
export async function provision(
  nc: NatsConnection,
  maker: Maker,
  connection: ResolvedConnection,
  memory: PositionMemory,
): Promise<Provision> {
  if (!('streamName' in connection)) return { drift: undefined, remark: undefined, isNew: false };
  const jsm = await jetstreamManager(nc).catch((error) => {
    throw connectorError('asking for JetStream', error);
  });
  const drift: string[] = [];
  if (connection.stream && connection.streamName !== undefined)
    drift.push(...(await ensureStream(jsm, maker, connection.streamName, connection.stream)));
  const consumer = hasDurable(connection)
    ? await ensureConsumer({ nc, jsm, maker, source: connection, memory })
    : undefined;
  drift.push(...(consumer?.drift ?? []));
  return {
    drift: drift.length === 0 ? undefined : drift.join('; '),
    remark: consumer?.remark,
    isNew: consumer?.isNew === true,
  };
}

/** Deletes the durable that `provision` made for this definition. One that is gone already, or that was made for another, is let be. */
export async function deprovision(nc: NatsConnection, maker: Maker, connection: ResolvedConnection): Promise<void> {
  if (!hasDurable(connection)) return;
  const { streamName, consumer } = connection;
  try {
    const { consumers } = await jetstreamManager(nc);
    const { config } = await consumers.info(streamName, consumer.name);
    if (config.description === madeFor(maker)) await consumers.delete(streamName, consumer.name);
  } catch (error) {
    if (hasCode(error, apiCodes.consumerNotFound) || hasCode(error, apiCodes.streamNotFound)) return;
    throw connectorError(`deleting the consumer "${consumer.name}" of the stream "${streamName}"`, error);
  }
}
