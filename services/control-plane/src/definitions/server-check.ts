import {
  type ConnectionDefinition,
  connectionIssues,
  DefinitionRejected,
  type Issue,
  resolveConnection,
  type ServerNeed,
  unmetNeed,
} from '@laminar/definitions';
import type { Warning } from '@laminar/sql';

/** What a server says of its version, where it says anything. */
export interface ServerVersion {
  readonly server: string;
  /** Empty where it said none. */
  readonly version: string;
  /** It took the connection, whatever came then. */
  readonly reached: boolean;
  /** Why there is no version. */
  readonly reason: string;
}

/** Asks servers, as `nats://host:port`, within about two seconds; throws where nobody can be asked. */
export type VersionsOf = (servers: readonly string[]) => Promise<readonly ServerVersion[]>;

/**
 * Whether the servers can do what a definition asks for and older ones cannot; others are not asked anything. Throws `DefinitionRejected` where one is too old, and warns where none could be
 * asked: the reader looks again.
 */
export async function checkServers(definition: ConnectionDefinition, versionsOf: VersionsOf): Promise<Warning[]> {
  // What is wrong with the options themselves is said when they are decided on.
  if (connectionIssues(definition).length > 0) return [];
  const { needs, servers } = resolveConnection('', definition);
  if (needs.length === 0) return [];
  let found: readonly ServerVersion[];
  try {
    found = await versionsOf(servers);
  } catch (error) {
    return needs.map((need) => unchecked(need, error instanceof Error ? error.message : String(error)));
  }
  for (const { server, version } of found) {
    const unmet = version === '' ? undefined : unmetNeed(needs, version);
    if (unmet) throw tooOld(unmet, server, version);
  }
  if (found.some(({ version }) => version !== '')) return [];
  const reasons = found.map(({ server, reason }) => `${server}: ${reason}`).join('; ');
  // A server that shakes hands first says nothing, which is what that option is for.
  const silent = found.some(({ reached }) => reached);
  return needs
    .filter(({ option }) => !(silent && option === 'tls_handshake_first'))
    .map((need) => unchecked(need, reasons));
}

function tooOld({ option, what, version: needed }: ServerNeed, server: string, version: string): DefinitionRejected {
  const message = `${what} needs nats-server ${needed}, and ${server} is ${version}; leave it out, or name a newer server`;
  const issue: Issue = { code: 'server_too_old', message, pointer: `/options/${option}` };
  return new DefinitionRejected('invalid', message, [issue]);
}

const unchecked = ({ what, version }: ServerNeed, reason: string): Warning => ({
  code: 'server_unchecked',
  message: `${what} needs nats-server ${version}, and whether the servers are that new could not be found out (${reason}); with an older one the connection is failed, and says so`,
});
