import type { StreamSpec } from '@laminar/definitions';
import type { JetStreamManager, RetentionPolicy, StorageType, StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { Maker } from './consumer-config.js';
import { apiCodes, connectorError, hasCode } from './errors.js';

/** Makes the stream where it is missing. One that is there is left as it is; what differs is given back. Throws `ConnectorError`. */
export async function ensureStream(
  jsm: JetStreamManager,
  maker: Maker,
  name: string,
  spec: StreamSpec,
): Promise<string[]> {
  const wanted = {
    name,
    subjects: [...spec.subjects],
    retention: spec.retention as RetentionPolicy,
    storage: spec.storage as StorageType,
    max_msgs: spec.maxMsgs,
    max_age: nanos(spec.maxAgeS * 1000),
  } satisfies Partial<StreamConfig>;
  const { config } = await jsm.streams.info(name).catch(async (error) => {
    if (!hasCode(error, apiCodes.streamNotFound)) throw connectorError(`looking for the stream "${name}"`, error);
    const made = await jsm.streams.add(wanted).catch((failure) => {
      throw connectorError(`creating the stream "${name}"`, failure);
    });
    maker.log?.write('info', 'created the stream', () => ({ attributes: { stream: name } }));
    return made;
  });
  return streamDifferences(config, spec).map(
    (setting) => `the stream "${name}" has another ${setting} than the definition says, and was left as it is`,
  );
}

/** The settings in which a stream is not what a definition says, by their names in the server's API. */
export function streamDifferences(config: StreamConfig, spec: StreamSpec): string[] {
  const differing: [setting: string, differs: boolean][] = [
    ['subjects', [...(config.subjects ?? [])].sort().join() !== [...spec.subjects].sort().join()],
    ['retention', config.retention !== spec.retention],
    ['storage', config.storage !== spec.storage],
    ['max_msgs', config.max_msgs !== spec.maxMsgs],
    ['max_age', config.max_age !== nanos(spec.maxAgeS * 1000)],
  ];
  return differing.filter(([, differs]) => differs).map(([setting]) => setting);
}
