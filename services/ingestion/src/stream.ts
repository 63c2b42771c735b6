import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';

const streamNotFound = 10059;

/** Makes a stream of the mesh's own bus where it is missing; one that exists keeps its settings, whoever chose them. */
export async function ensureStream(
  jsm: JetStreamManager,
  config: Parameters<JetStreamManager['streams']['add']>[0],
): Promise<void> {
  try {
    await jsm.streams.info(config.name);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== streamNotFound) throw error;
    await jsm.streams.add(config);
  }
}
