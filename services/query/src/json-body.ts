import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpFailure } from './problem.js';

/** Bodies are JSON in UTF-8, or none; Fastify itself would take plain text too, and mend what is not UTF-8. */
export function takeJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer): Promise<unknown> => parse(body),
  );
}

function parse(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.trim() === '' ? undefined : JSON.parse(text);
  } catch (error) {
    const reason = error instanceof SyntaxError ? `JSON: ${error.message}` : 'UTF-8';
    throw new HttpFailure({ status: 400, code: 'malformed_json', detail: `the body is not ${reason}` });
  }
}
