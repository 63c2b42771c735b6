import { hasDurable, type ResolvedConnection } from '@laminar/definitions';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Position, Provision } from '../contract.js';
import { consumerName } from './consumer-api.js';
import { type Maker, madeFor } from './consumer-config.js';
import { connectorError, isNotPermitted } from './errors.js';
import { countsDeliveries, ensureCapture, passOnCapture } from './exhausted-capture.js';
import { durablePosition } from './inherited-position.js';
import { managerOf } from './jetstream-manager.js';
import type { Lineage, Sharer } from './lineage.js';
import { ensureConsumer, passOnConsumer } from './provision-consumer.js';
import { ensureStream } from './provision-stream.js';
import type { PositionMemory } from './read-position.js';
import { dropStandIn } from './stand-in.js';

/** Makes the stream and the durable that a definition asks for, and says what is not as it should be. Throws `ConnectorError`. */
export async function provision(
  nc: NatsConnection,
  maker: Maker,
  connection: ResolvedConnection,
  memory: PositionMemory,
  lineage: Lineage,
): Promise<Provision> {
  if (!('streamName' in connection)) return nothing;
  const jsm = await managerOf(nc);
  if (connection.role === 'sink-jetstream' && !connection.stream) await checkJetStream(jsm);
  const drift = await streamOf(jsm, maker, connection);
  if (!hasDurable(connection)) return { ...nothing, drift: joined(drift) };
  // Before the consumer, which may give up the first message at once.
  const uncaptured = countsDeliveries(connection) ? await ensureCapture(jsm, connection, madeFor(maker)) : [];
  const consumer = await ensureConsumer({ nc, jsm, maker, source: connection, memory, lineage });
  drift.push(...consumer.drift, ...uncaptured);
  return { drift: joined(drift), remark: consumer.remark, isNew: consumer.isNew };
}

/** Makes the stream alone. Throws `ConnectorError`. */
export async function provisionStream(
  nc: NatsConnection,
  maker: Maker,
  connection: ResolvedConnection,
): Promise<Provision> {
  return { ...nothing, drift: joined(await streamOf(await managerOf(nc), maker, connection)) };
}

const nothing: Provision = { drift: undefined, remark: undefined, isNew: false };

/** Of a sink that asks JetStream for nothing before its first row. Whether it is there is not known of a user who may publish and not ask: then the first row shows it. */
const checkJetStream = (jsm: JetStreamManager): Promise<unknown> =>
  jsm.getAccountInfo().catch((error) => {
    if (!isNotPermitted(error)) throw connectorError('asking for JetStream', error);
  });

/** Makes the stream where the definition asks for it and it is missing, and gives what is not as it says. */
async function streamOf(jsm: JetStreamManager, maker: Maker, connection: ResolvedConnection): Promise<string[]> {
  if (!('streamName' in connection) || !connection.stream || connection.streamName === undefined) return [];
  return ensureStream(jsm, maker, connection.streamName, connection.stream);
}

const joined = (drift: readonly string[]): string | undefined => (drift.length === 0 ? undefined : drift.join('; '));

/**
 * Deletes the durable that `provision` made for this definition, or leaves it to another definition that reads by it. One that is gone already, or that was made for another, is let
 * be. Throws `ConnectorError`.
 */
export async function deprovision(
  nc: NatsConnection,
  maker: Maker,
  connection: ResolvedConnection,
  lineage: Lineage,
): Promise<void> {
  if (!hasDurable(connection)) return;
  try {
    const jsm = await managerOf(nc);
    for (let owner: Sharer | undefined = maker; owner; ) {
      const [heir] = lineage.sharers(connection, owner);
      await passOnCapture(jsm, connection, madeFor(owner), heir && madeFor(heir));
      await passOnConsumer({ nc, jsm, source: connection }, madeFor(owner), heir && madeFor(heir));
      // One that was dropped meanwhile found that nothing was its own yet.
      const stands = lineage.sharers(connection, owner).some(({ incarnation }) => incarnation === heir?.incarnation);
      owner = stands ? undefined : heir;
    }
    await dropStandIn({ jsm, maker, source: connection });
  } catch (error) {
    throw connectorError(`deleting ${consumerName(connection)}`, error);
  }
}

/** How far the readers of the durable have come that `provision` made for this definition; undefined where there is none. Throws `ConnectorError`. */
export async function standing(
  nc: NatsConnection,
  maker: Maker,
  connection: ResolvedConnection,
): Promise<Position | undefined> {
  if (!hasDurable(connection)) return undefined;
  const { streamName, consumer } = connection;
  try {
    return await durablePosition(await managerOf(nc), streamName, consumer.name, madeFor(maker));
  } catch (error) {
    throw connectorError(`looking how far the stream "${streamName}" was read`, error);
  }
}
