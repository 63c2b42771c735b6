import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The span context that a `traceparent` header names (https://www.w3.org/TR/trace-context/#traceparent-header), or undefined where it names none. */
export function parseTraceparent(header: string | undefined): SpanContext | undefined {
  const match = header === undefined ? null : pattern.exec(header);
  if (!match || match[1] === 'ff' || (match[1] === '00' && match[5] !== undefined)) return undefined;
  const context: SpanContext = {
    traceId: match[2] as string,
    spanId: match[3] as string,
    traceFlags: Number.parseInt(match[4] as string, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(context) ? context : undefined;
}

/** The `traceparent` header that names this span. */
export function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** A context whose parent is what `traceparent` names; the root where it names nothing. */
export function contextOf(traceparent: string | undefined): Context {
  const parent = parseTraceparent(traceparent);
  return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

/** Says whether `traceparent` names a trace that is sampled. */
export function isSampled(traceparent: string | undefined): boolean {
  return ((parseTraceparent(traceparent)?.traceFlags ?? 0) & TraceFlags.SAMPLED) !== 0;
}

/** The same with the flag that says it is sampled; undefined where `traceparent` names nothing. */
export function sampledTraceparent(traceparent: string | undefined): string | undefined {
  const context = parseTraceparent(traceparent);
  return context && `00-${context.traceId}-${context.spanId}-01`;
}

/** The trace that `traceparent` belongs to, or undefined. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return parseTraceparent(traceparent)?.traceId;
}
