import { type ResolvedConnection, unmetNeed } from '@laminar/definitions';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connectorError } from '../errors.js';
import { type Finding, failed, ok, reasonOf } from './check.js';

/** What the server is, and whether it can do what the options ask for. */
export async function checkServer(nc: NatsConnection, connection: ResolvedConnection): Promise<Finding> {
  const info = nc.info;
  if (!info) return failed('the server has not said what it is');
  const { version, server_name: name, max_payload: maxPayload, cluster } = info;
  const what = `nats-server ${version} "${name}"${cluster === undefined ? '' : ` of the cluster "${cluster}"`}, messages of at most ${maxPayload} bytes`;
  const unmet = unmetNeed(connection.needs, version);
  if (unmet) return failed(`${unmet.what} needs nats-server ${unmet.version}; this is ${what}`);
  if (!usesJetStream(connection))
    return ok(`${what}, JetStream ${info.jetstream === true ? 'on' : 'off'}, which it does not need`);
  try {
    const { streams, consumers } = await (await jetstreamManager(nc)).getAccountInfo();
    return ok(`${what}, JetStream with ${streams} streams and ${consumers} consumers in this account`);
  } catch (error) {
    return failed(`${reasonOf(connectorError('asking for JetStream', error))}; this is ${what}`);
  }
}

const usesJetStream = ({ role }: ResolvedConnection): boolean => role !== 'source-core' && role !== 'sink-core';
