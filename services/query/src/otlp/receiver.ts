import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { opentelemetry } from '@laminar/protocol';
import type { Logger } from '@laminar/runtime';
import Sqlite from 'better-sqlite3';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { drainRefusedBody } from '../refused-body.js';
import { decodeJsonExport, decodeProtobufExport, MalformedExport } from './export-request.js';
import { spanRows } from './span-rows.js';
import type { SpanStore } from './span-store.js';

const { ExportTraceServiceResponse, RpcStatus } = opentelemetry.proto;
const unzip = promisify(gunzip);

/** Of the body as it comes, and again of what it unpacks to. */
const bodyBytesMax = 8 * 1024 * 1024;
const retryAfterS = 1;

const json = 'application/json';
const protobuf = 'application/x-protobuf';

/**
 * OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp): `POST /v1/traces` with protobuf or JSON, gzipped or not. Errors are `google.rpc.Status`
 * in the encoding of the request, as the specification wants them. Receiving makes no spans, or each export would cause the next.
 */
export function otlpReceiver(store: SpanStore, logger: Logger): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    app.removeAllContentTypeParsers();
    const options = { parseAs: 'buffer', bodyLimit: bodyBytesMax } as const;
    app.addContentTypeParser([json, protobuf], options, async (request: FastifyRequest, body: Buffer) =>
      inflated(request.headers['content-encoding'], body),
    );
    app.setErrorHandler(async (error: { statusCode?: number; message: string }, request, reply) => {
      const status = statusOf(error);
      if (status === 413) await drainRefusedBody(request);
      if (status >= 500) logger.error({ err: error }, 'spans could not be stored');
      if (status === 503) reply.header('retry-after', retryAfterS);
      return answer(request, reply.code(status), RpcStatus, { message: error.message });
    });
    app.post<{ Body: Buffer }>('/v1/traces', (request, reply) => {
      const decode = isJson(request) ? decodeJsonExport : decodeProtobufExport;
      const { rows, rejected } = spanRows(decode(request.body));
      store.add(rows);
      const partialSuccess = {
        rejectedSpans: rejected,
        errorMessage: 'spans need a trace id of 16 bytes, a span id of 8, and an end that is not before their start',
      };
      return answer(request, reply, ExportTraceServiceResponse, rejected === 0 ? {} : { partialSuccess });
    });
  };
}

function statusOf(error: { statusCode?: number }): number {
  if (error instanceof MalformedExport) return 400;
  // A file that cannot be written now may be later; the exporter shall try again.
  if (error instanceof Sqlite.SqliteError) return 503;
  return error.statusCode ?? 500;
}

async function inflated(encoding: string | undefined, body: Buffer): Promise<Buffer> {
  if (encoding === undefined || encoding === 'identity') return body;
  if (encoding !== 'gzip') throw failure(415, `content-encoding "${encoding}" is not supported; send gzip or identity`);
  try {
    return await unzip(body, { maxOutputLength: bodyBytesMax });
  } catch (error) {
    const tooLarge = error instanceof RangeError;
    throw tooLarge
      ? failure(413, `the body unpacks to more than ${bodyBytesMax} bytes`)
      : failure(400, 'the body is not gzip, as its content-encoding says');
  }
}

function failure(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}

const isJson = (request: FastifyRequest): boolean => (request.headers['content-type'] ?? '').startsWith(json);

interface MessageType<P> {
  encode(properties: P): { finish(): Uint8Array };
}

function answer<P extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  type: MessageType<P>,
  properties: P,
): FastifyReply {
  if (isJson(request)) return reply.type(json).send(JSON.stringify(properties));
  return reply.type(protobuf).send(Buffer.from(type.encode(properties).finish()));
}
