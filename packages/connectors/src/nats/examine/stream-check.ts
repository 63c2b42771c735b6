import { covers, isPositioned, nearestName, type ResolvedConnection, subjectsOverlap } from '@laminar/definitions';
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { apiCodes, hasCode } from '../errors.js';
import { managerOf } from '../jetstream-manager.js';
import { viewOf } from '../positioned/stream-view.js';
import { streamDifferences } from '../provision-stream.js';
import { type Finding, failed, ok, reasonOf, skipped, warning } from './check.js';

/** Whether the stream is there, and takes what the connection reads or writes. */
export async function checkStream(nc: NatsConnection, connection: ResolvedConnection): Promise<Finding> {
  if (connection.role === 'source-core' || connection.role === 'sink-core')
    return skipped('the connection uses no stream');
  const jsm = await managerOf(nc);
  const name = await streamNameOf(connection, jsm);
  if (name === undefined)
    return failed(
      `no stream takes ${'subject' in connection ? connection.subject : ''}; create one, or give stream_subjects`,
    );
  const spec = 'stream' in connection ? connection.stream : undefined;
  let info: StreamInfo;
  try {
    info = await jsm.streams.info(name);
  } catch (error) {
    if (!hasCode(error, apiCodes.streamNotFound)) return failed(`looking for the stream "${name}": ${reasonOf(error)}`);
    return spec
      ? skipped(`there is no stream "${name}" yet; it is made of stream_subjects when the connection is stored`)
      : failed(
          `there is no stream "${name}"${await nearNameOf(name, jsm)}; ${missingHint[connection.role] ?? 'create it'}`,
        );
  }
  const facts = factsOf(info);
  const unmatched = coverage(info, connection);
  if (unmatched) return { ...unmatched, message: `${unmatched.message}; ${facts}` };
  const drift = spec ? streamDifferences(info.config, spec) : [];
  if (drift.length > 0)
    return warning(
      `the stream has another ${drift.join(', ')} than the definition says, and is left as it is; ${facts}`,
    );
  if (info.config.no_ack && connection.role === 'sink-jetstream')
    return warning(
      `the stream confirms nothing (no_ack), so that a row counts as stored only when it is found there, seconds later; set no_ack to false; ${facts}`,
    );
  const volatile = volatility(info);
  return volatile === undefined ? ok(facts) : warning(`${volatile}; ${facts}`);
}

/** Why the stream may lose what it confirmed though nobody deletes anything; undefined where its servers keep it as well as they can. */
function volatility({ config, cluster }: StreamInfo): string | undefined {
  if (config.storage === 'memory') return 'what the stream holds is lost when its servers stop: it is kept in memory';
  // A server that stands alone is no cluster with a name.
  if (config.num_replicas === 1 && cluster?.name !== undefined)
    return 'what the stream holds is on one server of the cluster alone, and is out of reach or lost with it';
  return undefined;
}

const missingHint: { readonly [role in ResolvedConnection['role']]?: string } = {
  'source-kv': 'create the bucket',
  'source-object': 'create the bucket',
  'source-pull': 'create it, or give stream_subjects to have it created',
  'source-push': 'create it, or give stream_subjects to have it created',
  'source-ordered': 'create it, or give stream_subjects to have it created',
  'sink-jetstream': 'create it, or give stream_subjects to have it created',
};

/** A stream whose name is meant perhaps, among the first of the account; nothing where there is none, or who asks may not list them. */
async function nearNameOf(name: string, jsm: JetStreamManager): Promise<string> {
  const names = await jsm.streams
    .names()
    .next()
    .catch(() => []);
  const nearest = nearestName(name, names);
  return nearest === undefined ? '' : `, did you mean "${nearest}"?`;
}

/** The stream that a connection uses; undefined where a sink leaves it to the subject and none takes it. */
async function streamNameOf(connection: ResolvedConnection, jsm: JetStreamManager): Promise<string | undefined> {
  if (connection.role === 'source-kv') return `KV_${connection.bucket}`;
  if (connection.role === 'source-object') return `OBJ_${connection.bucket}`;
  if ('streamName' in connection && connection.streamName !== undefined) return connection.streamName;
  if (connection.role !== 'sink-jetstream') return undefined;
  // It throws where no stream takes the subject.
  return jsm.streams.find(connection.subject).catch(() => undefined);
}

/** What the connection uses of the stream's subjects, as patterns. */
function subjectsOf(connection: ResolvedConnection): readonly string[] {
  if (isPositioned(connection)) return viewOf(connection).filters;
  if (connection.role === 'sink-core' || connection.role === 'sink-jetstream') return [connection.subject];
  if (connection.role === 'source-core') return [connection.subject];
  return connection.filterSubjects;
}

function coverage({ config }: StreamInfo, connection: ResolvedConnection): Finding | undefined {
  // What comes from other streams may have any subject, and so may what the stream itself changes as it takes it.
  if (config.mirror || (config.sources ?? []).length > 0 || config.subject_transform) return undefined;
  const taken: readonly string[] = config.subjects ?? [];
  for (const subject of subjectsOf(connection)) {
    if (!taken.some((pattern) => subjectsOverlap(pattern, subject)))
      return failed(`the stream "${config.name}" takes ${taken.join(', ')} and nothing of ${subject}`);
    if (!taken.some((pattern) => covers(pattern, subject)))
      return warning(`the stream "${config.name}" takes ${taken.join(', ')}, which is not all of ${subject}`);
  }
  return undefined;
}

function factsOf({ config, state }: StreamInfo): string {
  const { name, subjects = [], retention, storage, num_replicas: replicas } = config;
  const { messages, bytes, first_seq: first, last_seq: last } = state;
  const settings = `${retention}, ${storage}, ${replicas === 1 ? '1 replica' : `${replicas} replicas`}`;
  return `stream "${name}" (${settings}) takes ${subjects.join(', ') || 'what its sources have'} and holds ${messages} messages, ${bytes} bytes, sequences ${first} to ${last}`;
}
