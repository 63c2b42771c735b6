import { type ConsumerSource, hasDurable } from '@laminar/definitions';
import { AckPolicy, type ConsumerInfo, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/nats-core';
import { ConnectorError } from '../contract.js';
import { consumerName, putConsumer } from './consumer-api.js';
import { type Maker, madeFor } from './consumer-config.js';
import { apiCodes, connectorError, hasCode, isNotPermitted } from './errors.js';
import type { Lineage } from './lineage.js';

// What the server changes of no consumer can only be had by deleting it and making another one under its name. In between its place would be known to nobody who outlives this
// process, and a stream by interest would let go of what waits: so a second durable, which nobody reads, stands there meanwhile.

/** One that is left behind is nobody's any more after that long: the server deletes it. */
const forgottenMs = 30 * 24 * 3_600_000;

/** The server takes no longer ones. */
const nameLengthMax = 255;

/** Of the stand-in of a durable. */
export const standInName = ({ consumer }: Pick<ConsumerSource, 'consumer'>): string =>
  `laminar-place-of-${consumer.name}`.slice(0, nameLengthMax);

export interface StandInContext {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly maker: Maker;
  readonly source: ConsumerSource;
}

/** Whether a definition was changed and kept its durable's name, so that something may have been left that kept its place. */
export const mayHaveStandIn = ({ streamName, consumer }: ConsumerSource, lineage: Lineage): boolean =>
  lineage
    .predecessors()
    .some((form) => hasDurable(form) && form.streamName === streamName && form.consumer.name === consumer.name);

/** Keeps the place of a durable from `sequence` on. One that was left behind before stands no further than that, and is kept. Throws `ConnectorError`. */
export async function placeStandIn(context: StandInContext, replaced: ConsumerInfo, sequence: number): Promise<void> {
  const { nc, jsm, maker, source } = context;
  const name = standInName(source);
  try {
    if (await findStandIn(jsm, maker, source)) return;
    const { filter_subject, filter_subjects } = replaced.config;
    await putConsumer(nc, source.streamName, {
      durable_name: name,
      description: madeFor(maker),
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: sequence,
      inactive_threshold: nanos(forgottenMs),
      ...(filter_subject === undefined ? {} : { filter_subject }),
      ...(filter_subjects === undefined ? {} : { filter_subjects }),
    });
  } catch (error) {
    const what = `keeping the place of ${consumerName(source)}, which has to be made anew, by a consumer "${name}"`;
    const { steer, message } = connectorError(what, error);
    throw new ConnectorError(steer, `${message}; allow that consumer, or give the connection another consumer_name`, {
      cause: error,
    });
  }
}

/** Deletes what kept the place of a definition's durable, where there is such a thing. Throws what the server answers. */
export async function dropStandIn({ jsm, maker, source }: Omit<StandInContext, 'nc'>): Promise<void> {
  try {
    if (await findStandIn(jsm, maker, source)) await jsm.consumers.delete(source.streamName, standInName(source));
  } catch (error) {
    // Who may not ask for it has made none.
    if (!isGone(error) && !isNotPermitted(error)) throw error;
  }
}

async function findStandIn(
  jsm: JetStreamManager,
  maker: Maker,
  source: ConsumerSource,
): Promise<ConsumerInfo | undefined> {
  try {
    const info = await jsm.consumers.info(source.streamName, standInName(source));
    return info.config.description === madeFor(maker) ? info : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

const isGone = (error: unknown): boolean =>
  hasCode(error, apiCodes.consumerNotFound) || hasCode(error, apiCodes.streamNotFound);
