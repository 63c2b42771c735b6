import { hasDurable, type ResolvedConnection } from '@laminar/definitions';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Provision } from '../contract.js';
import { type Maker, madeFor } from './consumer-config.js';
import { apiCodes, connectorError, hasCode } from './errors.js';
import { countsDeliveries, ensureCapture, removeCapture } from './exhausted-capture.js';
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
  if (!hasDurable(connection)) return { drift: joined(drift), remark: undefined, isNew: false };
  // Before the consumer, which may give up the first message at once.
  const uncaptured = countsDeliveries(connection) ? await ensureCapture(jsm, connection, madeFor(maker)) : [];
  const consumer = await ensureConsumer({ nc, jsm, maker, source: connection, memory });
  drift.push(...consumer.drift, ...uncaptured);
  return { drift: joined(drift), remark: consumer.remark, isNew: consumer.isNew };
}

const joined = (drift: readonly string[]): string | undefined => (drift.length === 0 ? undefined : drift.join('; '));

/** Deletes the durable that `provision` made for this definition. One that is gone already, or that was made for another, is let be. */
export async function deprovision(nc: NatsConnection, maker: Maker, connection: ResolvedConnection): Promise<void> {
  if (!hasDurable(connection)) return;
  const { streamName, consumer } = connection;
  try {
    const jsm = await jetstreamManager(nc);
    await removeCapture(jsm, connection, madeFor(maker));
    const { config } = await jsm.consumers.info(streamName, consumer.name);
    if (config.description === madeFor(maker)) await jsm.consumers.delete(streamName, consumer.name);
  } catch (error) {
    if (hasCode(error, apiCodes.consumerNotFound) || hasCode(error, apiCodes.streamNotFound)) return;
    throw connectorError(`deleting the consumer "${consumer.name}" of the stream "${streamName}"`, error);
  }
}
