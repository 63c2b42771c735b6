import { attributes, parseTraceparent, recordError, SpanKind, startSpan } from '@laminar/telemetry';
import type { Span } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The server span of the request. */
    span: Span;
  }
}

/** Probes come every few seconds and say nothing. */
const untraced: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

/**
 * One server span per request, by the conventions for HTTP (https://opentelemetry.io/docs/specs/semconv/http/http-spans/), under the caller's
 * `traceparent` where there is one. The control plane is always sampled, whatever the caller's flag says.
 */
export function traceRequests(app: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.decorateRequest('span', {
    getter() {
      const known = spans.get(this);
      if (known) return known;
      const span = startRequestSpan(this);
      spans.set(this, span);
      return span;
    },
  });
  app.addHook('onRequest', async (request) => {
    if (!isUntraced(request)) void request.span;
  });
  const end = (request: FastifyRequest, status: number | undefined) => {
    const span = spans.get(request);
    // A client that leaves during the answer is told of twice.
    if (!span?.isRecording()) return;
    if (status === undefined) recordError(span, new Error('the client left before the answer'));
    else span.setAttribute(attributes.httpStatus, status);
    span.end();
  };
  app.addHook('onResponse', async (request, reply: FastifyReply) => end(request, reply.statusCode));
  app.addHook('onRequestAbort', async (request) => end(request, undefined));
  app.addHook('onError', async (request, reply, error) => {
    const span = spans.get(request);
    if (span && reply.statusCode >= 500) recordError(span, error);
  });
}

const isUntraced = (request: FastifyRequest): boolean => untraced.has(request.routeOptions.url ?? '');

function startRequestSpan(request: FastifyRequest): Span {
  const route = request.routeOptions.url;
  const parent = sampledParent(request.headers.traceparent);
  return startSpan(route === undefined ? request.method : `${request.method} ${route}`, {
    kind: SpanKind.SERVER,
    ...(parent === undefined ? {} : { parent }),
    attributes: {
      [attributes.httpMethod]: request.method,
      [attributes.urlPath]: request.url.split('?')[0] ?? '',
      ...(route === undefined ? {} : { [attributes.httpRoute]: route }),
    },
  });
}

function sampledParent(header: string | string[] | undefined): string | undefined {
  const parent = parseTraceparent(typeof header === 'string' ? header : undefined);
  return parent && `00-${parent.traceId}-${parent.spanId}-01`;
}
