import type { opentelemetry } from '@laminar/protocol';
import type { spans } from '../schema.js';
import { attributesOf } from './attributes.js';
import type { ExportRequest } from './export-request.js';

export type SpanRow = typeof spans.$inferSelect;
type Span = opentelemetry.proto.Span.$Properties;

const nameCharsMax = 1024;
const traceIdBytes = 16;
const spanIdBytes = 8;
/** By the numbers of `Span.SpanKind`; the first is "unspecified", which a receiver takes for internal. */
const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
/** By the numbers of `Status.StatusCode`. */
const statuses = ['unset', 'ok', 'error'] as const;

/**
 * The rows of the spans of a request, and how many of them no row can be made of, since their ids or times do not hold. Of the resource only
 * `service.name` and `service.instance.id` are kept. Events are not; links are, as the attribute `otel.links`, and a status's message is, as
 * `otel.status_description`.
 */
export function spanRows(request: ExportRequest): { rows: SpanRow[]; rejected: number } {
  const rows: SpanRow[] = [];
  let rejected = 0;
  for (const { resource, scopeSpans } of request.resourceSpans ?? []) {
    const resourceAttributes = attributesOf(resource?.attributes);
    const service = String(resourceAttributes['service.name'] ?? 'unknown_service');
    const instance = resourceAttributes['service.instance.id'];
    for (const { spans: received } of scopeSpans ?? []) {
      for (const span of received ?? []) {
        const row = spanRow(span, service, instance);
        if (row) rows.push(row);
        else rejected++;
      }
    }
  }
  return { rows, rejected };
}

function spanRow(span: Span, service: string, instance: unknown): SpanRow | undefined {
  const traceId = idText(span.traceId, traceIdBytes);
  const spanId = idText(span.spanId, spanIdBytes);
  const start = nanosOf(span.startTimeUnixNano);
  const end = nanosOf(span.endTimeUnixNano);
  if (traceId === undefined || spanId === undefined || start === 0n || end < start) return undefined;
  const status = statuses[Number(span.status?.code ?? 0)] ?? 'unset';
  const description = span.status?.message ?? '';
  const links = (span.links ?? []).map((link) => ({
    trace_id: idText(link.traceId, traceIdBytes),
    span_id: idText(link.spanId, spanIdBytes),
  }));
  const attributes = {
    ...(instance === undefined ? {} : { 'service.instance.id': instance }),
    ...attributesOf(span.attributes),
    ...(description === '' ? {} : { 'otel.status_description': description.slice(0, nameCharsMax) }),
    ...(links.length === 0 ? {} : { 'otel.links': links }),
  };
  return {
    trace_id: traceId,
    span_id: spanId,
    parent_span_id: idText(span.parentSpanId, spanIdBytes) ?? null,
    service: service.slice(0, nameCharsMax),
    name: (span.name ?? '').slice(0, nameCharsMax),
    kind: kinds[Number(span.kind ?? 0)] ?? 'internal',
    start_time: nanoMoment(start),
    end_time: nanoMoment(end),
    duration_ms: Number(end - start) / 1e6,
    status,
    attributes: JSON.stringify(attributes),
  };
}

/** Lower-case hexadecimal; undefined for an id that is missing, of another length, or all zeros, which W3C Trace Context forbids. */
function idText(bytes: Uint8Array | null | undefined, length: number): string | undefined {
  if (bytes?.length !== length || bytes.every((byte) => byte === 0)) return undefined;
  return Buffer.from(bytes).toString('hex');
}

/** An unsigned 64-bit number, which protobuf's code gives as a number or as an object that prints as one. */
const nanosOf = (value: { toString(): string } | null | undefined): bigint => BigInt((value ?? 0).toString());

/** `2026-03-29T01:30:00.123456789Z`. */
function nanoMoment(unixNanos: bigint): string {
  const seconds = new Date(Number(unixNanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(unixNanos % 1_000_000_000n).padStart(9, '0')}Z`;
}
