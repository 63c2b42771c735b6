import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { contextOf, parseTraceparent } from './trace-context.js';

export { SpanKind };

export interface SpanOptions {
  readonly kind?: SpanKind;
  /** A `traceparent` or a context; a trace of its own begins where it is left out. There is no active span that would be taken. */
  readonly parent?: string | Context;
  readonly attributes?: Attributes;
  /** `traceparent`s of spans that this one is related to. */
  readonly links?: readonly string[];
  /** Unix milliseconds, where the work began before its span could be started. */
  readonly startTimeMs?: number;
}

/** Starts a span; the caller ends it. */
export function startSpan(name: string, options: SpanOptions = {}): Span {
  const { kind = SpanKind.INTERNAL, parent = ROOT_CONTEXT, attributes, links = [], startTimeMs } = options;
  const parentContext = typeof parent === 'string' ? contextOf(parent) : parent;
  const linked = links.flatMap((link) => parseTraceparent(link) ?? []).map((linkContext) => ({ context: linkContext }));
  return trace.getTracer('laminar').startSpan(
    name,
    {
      kind,
      links: linked,
      ...(attributes ? { attributes } : {}),
      ...(startTimeMs === undefined ? {} : { startTime: startTimeMs }),
    },
    parentContext,
  );
}

/** Relates a span that runs to the one that `traceparent` names. */
export function addLink(span: Span, traceparent: string): void {
  const linkContext = parseTraceparent(traceparent);
  if (linkContext) span.addLink({ context: linkContext });
}

/** Marks a span as failed with what was thrown. */
export function recordError(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
}
