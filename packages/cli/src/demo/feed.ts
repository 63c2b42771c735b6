import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';

/** Published and not yet confirmed, at most. */
const windowMessages = 256;

export interface FeedOptions {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly subjectPrefix: string;
  /** GeoJSON features, in the order in which they are published. */
  readonly features: readonly string[];
}

/**
 * Publishes those features that the stream does not hold yet, each on `<prefix>.<network>`. They go out in order, so
 * what the stream has are the first ones, also after an interrupted start. Gives how many were published.
 */
export async function feed({ js, jsm, stream, subjectPrefix, features }: FeedOptions): Promise<number> {
  const { state } = await jsm.streams.info(stream);
  const missing = features.slice(state.last_seq);
  for (let from = 0; from < missing.length; from += windowMessages) {
    await Promise.all(
      missing.slice(from, from + windowMessages).map((feature) => {
        const { id, properties } = JSON.parse(feature) as { id: string; properties: { net: string } };
        return js.publish(`${subjectPrefix}.${properties.net}`, feature, { msgID: id });
      }),
    );
  }
  return missing.length;
}
