import { DefinitionRejected } from '@laminar/definitions';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { type DefinitionView, detailView } from '../definitions/view.js';
import { consequences } from '../definitions/warnings.js';
import { etagOf } from '../http/etag.js';
import type { Outcome } from '../state/decision.js';
import { targetsOf, type WaitQuery, waitApplied, waitParameters } from '../wait/wait-applied.js';
import type { RouteContext } from './context.js';
import { pathOf } from './names.js';

/** The query parameters of a write. */
export const waitQuery = Type.Object(waitParameters, { additionalProperties: false });

/** The definition as the write left it, after it is in effect where that is asked for. */
export async function answerWrite(
  context: RouteContext,
  outcome: Outcome,
  query: WaitQuery,
  reply: FastifyReply,
): Promise<DefinitionView> {
  const { mesh } = context;
  const { after } = outcome;
  if (!after) throw new Error(`the ${outcome.kind} "${outcome.name}" is gone after a write that keeps it`);
  const warnings = consequences(outcome, mesh.catalog);
  await waitForWrite(context, outcome, query, reply);
  reply.header('etag', etagOf(after.revision));
  return detailView(after, mesh.catalog, mesh.board, warnings);
}

export function waitForWrite(
  { mesh, cancellation }: RouteContext,
  outcome: Outcome,
  query: WaitQuery,
  reply: FastifyReply,
): Promise<void> {
  const { kind, name, after, events } = outcome;
  const revision = after?.revision ?? events.at(-1)?.revision ?? 0;
  return waitApplied(mesh, targetsOf(outcome), {
    query,
    signal: () => cancellation.signal(reply),
    // A secret has no address to be read at.
    headers: { ...(kind === 'secret' ? {} : { location: pathOf(kind, name) }), etag: etagOf(revision) },
    stored: `the write is stored at revision ${revision}`,
  });
}

/** A body that may repeat the name of the path, but cannot change it. */
export function bodyWithoutName(body: object, name: string): object {
  const { name: repeated = name, ...rest } = body as { readonly name?: unknown };
  if (repeated === name) return rest;
  const message = `the name is "${name}", as in the path; a definition cannot be renamed`;
  throw new DefinitionRejected('invalid', message, [{ code: 'name_differs', message, pointer: '/name' }]);
}
