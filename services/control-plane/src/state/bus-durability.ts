import { buckets, streamOfBucket, streams } from '@laminar/protocol';
import { JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';

const busStreams: readonly string[] = [...Object.values(buckets).map(streamOfBucket), ...Object.values(streams)];
const streamNotFound = 10059;

/**
 * What is to be known of how well the bus keeps what the mesh has there: streams with fewer replicas than wanted, in memory, or with servers that are away. An empty list where all is well. What is
 * not made yet is left out. How often a server writes to its disk (`sync_interval`) it does not tell a client.
 */
export async function busDurability(jsm: JetStreamManager, replicasWanted: number): Promise<string[]> {
  const infos = await Promise.all(busStreams.map((name) => infoOf(jsm, name)));
  return infos.flatMap((info) => (info === undefined ? [] : weaknesses(info, replicasWanted)));
}

async function infoOf(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined;
    throw error;
  }
}

function weaknesses({ config, cluster }: StreamInfo, replicasWanted: number): string[] {
  const { name, num_replicas: replicas, storage } = config;
  const found: string[] = [];
  if (replicas < replicasWanted) {
    found.push(
      `${name} has ${replicas} of ${replicasWanted} replicas that are wanted, so that it may be lost with a server; \`nats stream edit ${name} --replicas ${replicasWanted}\` adds them`,
    );
  }
  if (storage === 'memory') found.push(`${name} is kept in memory, and is lost when its servers stop`);
  const away = (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline).map(({ name }) => name);
  if (away.length > 0) found.push(`${name} has replicas that are away or behind, on ${away.join(', ')}`);
  return found;
}
