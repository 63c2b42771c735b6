import { type ResolvedConnection, unmetNeed } from '@laminar/definitions';
import type { NatsConnection } from '@nats-io/nats-core';
import { connectorError, isNotPermitted } from '../errors.js';
import { managerOf } from '../jetstream-manager.js';
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
    const { streams, consumers } = await (await managerOf(nc)).getAccountInfo();
    return ok(`${what}, JetStream with ${streams} streams and ${consumers} consumers in this account`);
  } catch (error) {
    // Who may read one stream may not have to ask that: the next checks show what is there.
    if (isNotPermitted(error)) return ok(`${what}; this user may not ask for the figures of its account`);
    return failed(`${reasonOf(connectorError('asking for JetStream', error))}; this is ${what}`);
  }
}

const usesJetStream = ({ role }: ResolvedConnection): boolean => role !== 'source-core' && role !== 'sink-core';
