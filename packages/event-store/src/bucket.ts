import { streamOfBucket, subjectOfKey } from '@laminar/protocol';
import { JetStreamApiError, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';

/** Larger than an event may be, so that the refusal of a larger one is ours and says so. */
const messageBytesMax = 1024 * 1024;
const duplicateWindowNs = 120 * 1_000_000_000;

/** A stream of this name exists, but an event in it could be overwritten or deleted. */
export class UnsafeLog extends Error {
  override readonly name = 'UnsafeLog';
}

/** The servers have no place for a stream of so many replicas; that may pass, as one of them comes back. */
class ReplicasUnavailable extends Error {
  override readonly name = 'ReplicasUnavailable';
}

/**
 * Makes the bucket's stream where it is missing: one message per key, of which the server refuses a second write, a
 * delete and a purge (NATS ADR-8 for the names; `discard_new_per_subject` since nats-server 2.9). An existing one is read back
 * and refused where it lacks any of this; the number of its replicas stays what it is.
 */
export async function ensureLogBucket(jsm: JetStreamManager, bucket: string, replicas: number): Promise<void> {
  const wanted = {
    name: streamOfBucket(bucket),
    subjects: [subjectOfKey(bucket, '>')],
    max_msgs_per_subject: 1,
    discard: 'new',
    discard_new_per_subject: true,
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
    allow_direct: true,
    max_msg_size: messageBytesMax,
    duplicate_window: duplicateWindowNs,
    num_replicas: replicas,
  } satisfies Partial<StreamConfig>;
  const config = (await existing(jsm, wanted.name)) ?? (await made(jsm, wanted));
  const guards = ['max_msgs_per_subject', 'discard', 'discard_new_per_subject', 'deny_delete', 'deny_purge'] as const;
  for (const guard of guards) {
    if (config[guard] !== wanted[guard]) {
      throw new UnsafeLog(
        `the stream ${wanted.name} has ${guard} = ${String(config[guard])} instead of ${String(wanted[guard])}, so that events in it could be lost; it was not made by this software`,
      );
    }
  }
}

const streamNotFound = 10059;
const noSuitablePeers = 10005;
const notClustered = 10074;

type Wanted = Parameters<JetStreamManager['streams']['add']>[0] & { readonly num_replicas: number };

async function made(jsm: JetStreamManager, wanted: Wanted): Promise<StreamConfig> {
  try {
    return (await jsm.streams.add(wanted)).config;
  } catch (error) {
    const noPlace = error instanceof JetStreamApiError && [noSuitablePeers, notClustered].includes(error.code);
    if (!noPlace) throw error;
    const { name, num_replicas: replicas } = wanted;
    throw new ReplicasUnavailable(
      `there is no place for ${replicas} replicas of the stream ${name} (${error.message}): that takes ${replicas} servers with JetStream in one cluster; bring up those that are down, or set LAMINAR_REPLICAS`,
      { cause: error },
    );
  }
}

async function existing(jsm: JetStreamManager, stream: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(stream)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined;
    throw error;
  }
}
