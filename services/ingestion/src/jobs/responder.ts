import type { Connection } from '@laminar/connectors';
import type { ResolvedConnection } from '@laminar/definitions';
import type { RowTarget } from './shared-sink.js';

/** Nothing replies where requests are not read. */
export const noResponder: RowTarget = { sink: undefined, opening: false, problem: 'the connection takes no requests' };

/** The connection's own socket, as the target of replies. */
export async function responderOf(connection: Connection, resolved: ResolvedConnection): Promise<RowTarget> {
  if (resolved.role !== 'source-core' || !resolved.enableReply) return noResponder;
  const sink = connection.responder();
  await sink.open();
  return {
    sink,
    opening: false,
    get problem() {
      return sink.problem;
    },
  };
}
