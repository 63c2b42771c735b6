import type { DefinedKind } from '@laminar/protocol';
import Type from 'typebox';
import { historyView } from '../definitions/event-view.js';
import { History } from '../definitions/history.js';
import { nothingNamed } from '../definitions/intent.js';
import { componentName, pageOf } from '../definitions/schemas.js';
import { decodeNumericCursor, encodeCursor, pageParameters, pageSizeDefault } from '../http/cursor.js';
import { problemResponses } from '../http/openapi.js';
import type { App, RouteContext } from './context.js';
import { collectionPath, nameParameter } from './names.js';

/** What became of one definition, event by event, oldest first; also of one that is dropped. */
export function historyRoutes(app: App, kind: DefinedKind, { mesh }: RouteContext): void {
  const component = componentName(kind);
  app.get(
    `${collectionPath(kind)}/:name/history`,
    {
      schema: {
        operationId: `get${component}History`,
        summary: `Every version of a ${kind}, oldest first`,
        tags: [`${kind}s`],
        params: nameParameter,
        querystring: Type.Object(pageParameters, { additionalProperties: false }),
        response: {
          200: { description: 'A page.', content: { 'application/json': { schema: pageOf('HistoryItem') } } },
          ...problemResponses(404),
        },
      },
    },
    async ({ params: { name }, query: { limit = pageSizeDefault, cursor } }) => {
      mesh.checkCaughtUp();
      const last = mesh.catalog.version(kind, name);
      if (last === 0) throw nothingNamed(kind, name, mesh.catalog);
      const list = `${collectionPath(kind)}/${name}/history`;
      const from = cursor === undefined ? 1 : decodeNumericCursor(list, cursor);
      const to = Math.min(last, from + limit - 1);
      const moments = from > last ? [] : await new History(mesh.log, mesh.catalog, kind, name).moments(from, to);
      return {
        items: moments.map((moment) => historyView(kind, moment)),
        next_cursor: to < last ? encodeCursor(list, String(to + 1)) : null,
      };
    },
  );
}
