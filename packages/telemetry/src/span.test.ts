import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { node } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseTraceparent, recordError, SpanKind, startSpan, traceparentOf } from './index.js';

const exporter = new InMemorySpanExporter();
const provider = new node.NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

beforeAll(() => provider.register());
beforeEach(() => exporter.reset());
afterAll(() => provider.shutdown());

const sampled = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const unsampled = sampled.replace(/01$/, '00');
const finished = (name: string) => {
  const span = exporter.getFinishedSpans().find((candidate) => candidate.name === name);
  if (!span) throw new Error(`there is no span ${name}`);
  return span;
};

describe('a span', () => {
  it('is a child of the traceparent that it is given', () => {
    const span = startSpan('child', { parent: sampled, kind: SpanKind.CONSUMER, attributes: { a: 1 } });
    span.end();
    expect(finished('child')).toMatchObject({
      kind: SpanKind.CONSUMER,
      attributes: { a: 1 },
      parentSpanContext: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' },
    });
    expect(parseTraceparent(traceparentOf(span))).toMatchObject({
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: span.spanContext().spanId,
      traceFlags: 1,
    });
  });

  it.each(['', 'nonsense', undefined])('begins a trace of its own where the traceparent is %j', (parent) => {
    startSpan('outer').end();
    startSpan('inner', parent === undefined ? {} : { parent }).end();
    expect(finished('inner').parentSpanContext).toBeUndefined();
    expect(finished('inner').spanContext().traceId).not.toBe(finished('outer').spanContext().traceId);
  });

  it('is a child of the span of a context', () => {
    const other = startSpan('other');
    startSpan('inner', { parent: trace.setSpan(ROOT_CONTEXT, other) }).end();
    expect(finished('inner').parentSpanContext?.spanId).toBe(other.spanContext().spanId);
  });

  it('is not recorded where its parent is not, and says so in its traceparent', () => {
    const span = startSpan('quiet', { parent: unsampled });
    span.end();
    expect(exporter.getFinishedSpans()).toEqual([]);
    expect(traceparentOf(span)).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-00$/);
  });

  it('is linked to what it is related to, and to nothing that is no traceparent', () => {
    startSpan('linked', { parent: '', links: [sampled, 'nonsense'] }).end();
    expect(finished('linked').links.map(({ context: linked }) => linked.spanId)).toEqual(['00f067aa0ba902b7']);
  });

  it('may be failed with anything', () => {
    for (const [name, thrown] of [
      ['failed', new Error('no luck')],
      ['odd', 'a text'],
    ] as const) {
      const span = startSpan(name);
      recordError(span, thrown);
      span.end();
    }
    expect(finished('failed').status).toMatchObject({ code: SpanStatusCode.ERROR, message: 'no luck' });
    expect(finished('odd').status).toMatchObject({ code: SpanStatusCode.ERROR, message: 'a text' });
  });
});
