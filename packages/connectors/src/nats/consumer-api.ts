import type { ConsumerSource } from '@laminar/definitions';
import { type ConsumerConfig, type ConsumerInfo, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { ConnectorError } from '../contract.js';
import { apiCodes, connectorError, hasCode } from './errors.js';

const requestTimeoutMs = 5000;

/** A consumer in words, as errors name it. */
export const consumerName = ({ streamName, consumer }: Pick<ConsumerSource, 'streamName' | 'consumer'>): string =>
  `the consumer "${consumer.name}" of the stream "${streamName}"`;

/** Undefined where there is none; throws `ConnectorError` where its stream is missing, too. */
export async function findConsumer(jsm: JetStreamManager, source: ConsumerSource): Promise<ConsumerInfo | undefined> {
  try {
    return await jsm.consumers.info(source.streamName, source.consumer.name);
  } catch (error) {
    if (hasCode(error, apiCodes.consumerNotFound)) return undefined;
    if (!hasCode(error, apiCodes.streamNotFound)) throw connectorError(`looking for ${consumerName(source)}`, error);
    throw new ConnectorError(
      'blocked',
      `the stream "${source.streamName}" does not exist; create it, or give stream_subjects to have it created`,
      { cause: error },
    );
  }
}

/**
 * Makes a durable, or changes one; gives it as it then is. The request is made here and not by the client, which refuses flow control beside a
 * deliver group, while the server has both. Throws what the server answers.
 */
export async function putConsumer(
  nc: NatsConnection,
  stream: string,
  config: Partial<ConsumerConfig> & { readonly durable_name: string },
): Promise<ConsumerInfo> {
  const { durable_name, filter_subject, filter_subjects } = config;
  const filter = filter_subject === undefined || filter_subject === '>' ? '' : `.${filter_subject}`;
  // The newer subject has no place for several filters.
  const subject =
    filter_subjects === undefined
      ? `CONSUMER.CREATE.${stream}.${durable_name}${filter}`
      : `CONSUMER.DURABLE.CREATE.${stream}.${durable_name}`;
  const answer = await nc.request(`$JS.API.${subject}`, JSON.stringify({ stream_name: stream, config }), {
    timeout: requestTimeoutMs,
  });
  const result = answer.json<ConsumerInfo & { error?: ConstructorParameters<typeof JetStreamApiError>[0] }>();
  if (result.error) throw new JetStreamApiError(result.error);
  return result;
}

/** One that is gone already is fine. */
export async function deleteConsumer(jsm: JetStreamManager, source: ConsumerSource): Promise<void> {
  await jsm.consumers.delete(source.streamName, source.consumer.name).catch((error) => {
    if (hasCode(error, apiCodes.consumerNotFound) || hasCode(error, apiCodes.streamNotFound)) return;
    throw connectorError(`deleting ${consumerName(source)}`, error);
  });
}
