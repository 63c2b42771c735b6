import { hasDurable, type ResolvedConnection } from '@laminar/definitions';
import type { ConsumerInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { differences, type Maker, pauseOf, wantedConsumer } from '../consumer-config.js';
import { apiCodes, hasCode } from '../errors.js';
import { managerOf } from '../jetstream-manager.js';
import { type Finding, failed, ok, reasonOf, skipped, warning } from './check.js';

/** For whom a consumer was made is no setting that is compared. */
const nobody: Maker = { name: '', incarnation: 0 };

/** Whether the consumer is there, is the one that the definition says, and how far it is. It is asked about, and not used. */
export async function checkConsumer(nc: NatsConnection, connection: ResolvedConnection): Promise<Finding> {
  if (!hasDurable(connection)) {
    return skipped(
      connection.role.startsWith('sink') || connection.role === 'source-core'
        ? 'the connection uses no consumer'
        : 'its consumer lives only while something reads it',
    );
  }
  const { streamName, consumer, role } = connection;
  let info: ConsumerInfo;
  try {
    info = await (await managerOf(nc)).consumers.info(streamName, consumer.name);
  } catch (error) {
    if (hasCode(error, apiCodes.consumerNotFound) || hasCode(error, apiCodes.streamNotFound))
      return skipped(`there is no consumer "${consumer.name}" yet; it is made when the connection is stored or read`);
    return failed(`looking for the consumer "${consumer.name}": ${reasonOf(error)}`);
  }
  const facts = factsOf(info);
  const pushes = info.config.deliver_subject !== undefined;
  if (pushes !== (role === 'source-push')) {
    const kinds = pushes
      ? 'a push consumer, and the connection pulls'
      : 'a pull consumer, and the connection is pushed';
    return failed(
      `the consumer "${consumer.name}" is ${kinds}; give the connection a consumer_name of its own; ${facts}`,
    );
  }
  const drift = differences(info.config, wantedConsumer(nobody, connection));
  if (drift.length > 0)
    return warning(`the consumer has another ${drift.join(', ')} than the definition says; ${facts}`);
  return info.paused ? warning(`the consumer ${pauseOf(info)}; ${facts}`) : ok(facts);
}

function factsOf(info: ConsumerInfo): string {
  const { name, num_pending: pending, num_ack_pending: ackPending, num_redelivered: redelivered, delivered } = info;
  return `consumer "${name}" has ${pending} messages to deliver, ${ackPending} not acknowledged, ${redelivered} delivered again, and came to sequence ${delivered.stream_seq}`;
}
