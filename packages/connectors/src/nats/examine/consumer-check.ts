import { type ConsumerSource, hasDurable, type ResolvedConnection } from '@laminar/definitions';
import { type ConsumerInfo, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/nats-core';
import { apiCodes, hasCode } from '../errors.js';
import { type Finding, failed, ok, reasonOf, skipped, warning } from './check.js';

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
    info = await (await jetstreamManager(nc)).consumers.info(streamName, consumer.name);
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
  const drift = driftOf(info, connection);
  if (drift.length > 0)
    return warning(`the consumer has another ${drift.join(', ')} than the definition says; ${facts}`);
  return ok(facts);
}

function driftOf({ config }: ConsumerInfo, { consumer, filterSubjects }: ConsumerSource): string[] {
  const filters = config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject]);
  const differing: [setting: string, differs: boolean][] = [
    ['filter_subject', [...filters].sort().join() !== [...filterSubjects].sort().join()],
    ['ack_policy', config.ack_policy !== consumer.ackPolicy],
    // With a back-off the server takes its first step for the wait.
    ['ack_wait', !config.backoff?.length && config.ack_wait !== nanos(consumer.ackWaitMs)],
    ['max_ack_pending', config.max_ack_pending !== consumer.maxAckPending],
  ];
  return differing.filter(([, differs]) => differs).map(([setting]) => setting);
}

function factsOf(info: ConsumerInfo): string {
  const { name, num_pending: pending, num_ack_pending: ackPending, num_redelivered: redelivered, delivered } = info;
  return `consumer "${name}" has ${pending} messages to deliver, ${ackPending} not acknowledged, ${redelivered} delivered again, and came to sequence ${delivered.stream_seq}`;
}
