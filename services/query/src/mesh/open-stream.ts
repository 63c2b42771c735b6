import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';

const streamNotFound = 10059;
const streamNameInUse = 10058;

/** A stream of the mesh's own bus as it stands. Whoever of the mesh starts first makes it. */
export async function openStream(jsm: JetStreamManager, wanted: Parameters<JetStreamManager['streams']['add']>[0]) {
  try {
    return await jsm.streams.info(wanted.name);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== streamNotFound) throw error;
  }
  try {
    return await jsm.streams.add(wanted);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== streamNameInUse) throw error;
    return await jsm.streams.info(wanted.name);
  }
}
