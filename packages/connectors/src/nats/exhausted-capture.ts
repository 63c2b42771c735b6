import type { ConsumerSource } from '@laminar/definitions';
import { AckPolicy, type JetStreamManager, RetentionPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { apiCodes, connectorError, hasCode, isNotPermitted } from './errors.js';

// A message whose deliveries are used up raises an advisory without its payload, once (io.nats.jetstream.advisory.v1.max_deliver), and nothing else. A stream beside
// the source's own keeps the advisories, so that none is lost while nobody listens.

/** Notices are a few hundred bytes; whoever has more of them than that has another problem. */
const noticesMax = 10_000;
const ageMaxMs = 30 * 24 * 3_600_000;
/** A notice that was taken and not acted on comes again after that long. */
const ackWaitMs = 30_000;

/** The durable by which all readers of a connection share the notices. */
export const noticeConsumer = 'laminar';

export const captureStreamOf = ({ streamName, consumer }: ConsumerSource): string =>
  `laminar_exhausted_${streamName}_${consumer.name}`;

export const advisoriesOf = ({ streamName, consumer }: ConsumerSource): string =>
  `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${streamName}.${consumer.name}`;

/** Whether the server counts the deliveries of a source's messages, and gives up after some. */
export const countsDeliveries = ({ consumer }: ConsumerSource): boolean =>
  consumer.maxDeliver > 0 && consumer.ackPolicy !== 'none';

/**
 * Makes the stream where it is missing; `mark` says for whom. Where it cannot be made reading goes on without it: what is given back says what
 * that means.
 */
export async function ensureCapture(jsm: JetStreamManager, source: ConsumerSource, mark: string): Promise<string[]> {
  const name = captureStreamOf(source);
  const subject = advisoriesOf(source);
  try {
    const known = await jsm.streams.info(name).catch((error) => {
      if (hasCode(error, apiCodes.streamNotFound)) return undefined;
      throw error;
    });
    if (known && known.config.subjects?.join() !== subject) throw new Error(`the stream "${name}" is another's`);
    if (known && known.config.description !== mark) await jsm.streams.update(name, { description: mark });
    if (!known) {
      await jsm.streams.add({
        name,
        description: mark,
        subjects: [subject],
        retention: RetentionPolicy.Workqueue,
        max_msgs: noticesMax,
        max_age: nanos(ageMaxMs),
        num_replicas: (await jsm.streams.info(source.streamName)).config.num_replicas,
      });
    }
    await jsm.consumers.add(name, {
      durable_name: noticeConsumer,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ackWaitMs),
    });
    return [];
  } catch (error) {
    const { message } = connectorError(`making the stream "${name}"`, error);
    return [`${message}; messages that run out of deliveries while nothing reads here are not kept as dead letters`];
  }
}

/** How many notices there are that nobody has acted on; undefined where nothing is captured. */
export async function noticesWaiting(jsm: JetStreamManager, source: ConsumerSource): Promise<number | undefined> {
  try {
    return (await jsm.streams.info(captureStreamOf(source))).state.messages;
  } catch (error) {
    if (hasCode(error, apiCodes.streamNotFound) || isNotPermitted(error)) return undefined;
    throw error;
  }
}

/** The stream that was made for `mark` is `heir`'s from now on, or deleted where there is none. One that is gone already is fine. Throws `ConnectorError`. */
export async function passOnCapture(
  jsm: JetStreamManager,
  source: ConsumerSource,
  mark: string,
  heir: string | undefined,
): Promise<void> {
  const name = captureStreamOf(source);
  try {
    const { config } = await jsm.streams.info(name);
    if (config.description !== mark) return;
    if (heir === undefined) await jsm.streams.delete(name);
    else await jsm.streams.update(name, { description: heir });
  } catch (error) {
    if (!hasCode(error, apiCodes.streamNotFound)) throw connectorError(`letting go of the stream "${name}"`, error);
  }
}
