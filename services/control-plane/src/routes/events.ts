import { Readable } from 'node:stream';
import { BusUnavailable, type StoredEvent } from '@laminar/event-store';
import Type from 'typebox';
import { eventView } from '../definitions/event-view.js';
import { pageOf } from '../definitions/schemas.js';
import { decodeNumericCursor, encodeCursor, pageParameters, pageSizeDefault } from '../http/cursor.js';
import { follow } from '../http/event-stream.js';
import { problemResponses } from '../http/openapi.js';
import { Refusal } from '../refusal.js';
import type { App, RouteContext } from './context.js';
import { apiPrefix } from './names.js';

const list = `${apiPrefix}/events`;
/** Clients that follow at once. */
const followersMax = 500;

/** The audit log: every definition event, in the order of the event log. */
export function eventRoutes(app: App, { mesh, cancellation }: RouteContext): void {
  let followers = 0;

  app.get(
    list,
    {
      schema: {
        operationId: 'listEvents',
        summary: 'Every definition event, in order',
        description:
          'With `Accept: text/event-stream` the answer goes on as events come (server-sent events, `id` is the revision). It begins after `Last-Event-ID`, or at `cursor`, or with the first event.',
        tags: ['events'],
        querystring: Type.Object(pageParameters, { additionalProperties: false }),
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({ description: 'Follow: the id of the last event that was received.', pattern: '^\\d{0,15}$' }),
          ),
        }),
        response: {
          200: {
            description: 'A page, or a stream.',
            content: {
              'application/json': { schema: pageOf('Event') },
              'text/event-stream': { schema: Type.Unsafe<Readable>({ type: 'string' }) },
            },
          },
          ...problemResponses(429),
        },
      },
    },
    async (request, reply) => {
      const { limit = pageSizeDefault, cursor } = request.query;
      const from = cursor === undefined ? 1 : decodeNumericCursor(list, cursor);
      mesh.checkCaughtUp();
      const wantsStream = request.method === 'GET' && /\btext\/event-stream\b/i.test(request.headers.accept ?? '');
      if (!wantsStream) {
        const { log, catalog } = mesh;
        const events = await log.readRange(from, limit);
        const last = events.at(-1)?.revision ?? 0;
        return {
          items: events.map(eventView),
          next_cursor: last > 0 && last < catalog.revision ? encodeCursor(list, String(last + 1)) : null,
        };
      }
      if (followers >= followersMax)
        throw new Refusal('too_many_followers', `${followersMax} clients follow the events already; try again later`);
      followers++;
      const signal = cancellation.signal(reply);
      const stream = follow({
        from: afterLastEvent(request.headers['last-event-id']) ?? from,
        signal,
        changes: mesh.changes,
        newest: () => mesh.catalog.revision,
        read: async (from, limit) =>
          (await readWhileAway(from, limit)).map((event) => ({ id: event.revision, data: eventView(event) })),
      });
      const body = Readable.from(stream).once('close', () => followers--);
      return reply
        .type('text/event-stream; charset=utf-8')
        .headers({ 'x-accel-buffering': 'no', connection: 'close' })
        .send(body);
    },
  );

  /** A stream outlives an absence of the bus: it goes on when the next event is folded, or at its next heartbeat. */
  async function readWhileAway(from: number, limit: number): Promise<StoredEvent[]> {
    try {
      return await mesh.log.readRange(from, limit);
    } catch (error) {
      if (error instanceof BusUnavailable) return [];
      throw error;
    }
  }
}

/** The id that a client which comes back has to go on from. */
function afterLastEvent(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header) + 1;
  throw new Refusal('invalid_header', 'Last-Event-ID must be the id of an event, which is a revision');
}
