import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Cancellation } from '../http/cancellation.js';
import type { Origin } from '../state/commands.js';
import type { Mesh } from '../state/mesh.js';

/** An application whose routes take their types from their schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What routes stand on. */
export interface RouteContext {
  readonly mesh: Mesh;
  readonly cancellation: Cancellation;
}

export const originOf = ({ actor, span }: Pick<FastifyRequest, 'actor' | 'span'>): Origin => ({ actor, span });
