import { context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { node } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inSpan, parseTraceparent, recordError, SpanKind, startSpan, traceparentOf } from './index.js';

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

  it.each(['', 'nonsense'])(
    'begins a trace of its own where the traceparent is %j, whatever is active',
    async (parent) => {
      await inSpan('outer', {}, () => startSpan('inner', { parent }).end());
      const inner = finished('inner');
      expect(inner.parentSpanContext).toBeUndefined();
      expect(inner.spanContext().traceId).not.toBe(finished('outer').spanContext().traceId);
    },
  );

  it('is a child of the active one, or of a context', async () => {
    await inSpan('outer', {}, () => startSpan('inner').end());
    expect(finished('inner').parentSpanContext?.spanId).toBe(finished('outer').spanContext().spanId);
    const other = startSpan('other');
    await inSpan('outer2', {}, () => startSpan('inner2', { parent: trace.setSpan(ROOT_CONTEXT, other) }).end());
    expect(finished('inner2').parentSpanContext?.spanId).toBe(other.spanContext().spanId);
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
});

describe('work within a span', () => {
  it('gives its result, and is active over awaits', async () => {
    const result = await inSpan('work', {}, async (span) => {
      await new Promise((resolve) => setImmediate(resolve));
      expect(trace.getSpan(context.active())).toBe(span);
      return 42;
    });
    expect(result).toBe(42);
    expect(trace.getSpan(context.active())).toBeUndefined();
    expect(finished('work').status.code).toBe(SpanStatusCode.UNSET);
  });

  it('is failed with what it throws, ended, and throws on', async () => {
    const failure = new Error('no luck');
    await expect(inSpan('fails', {}, () => Promise.reject(failure))).rejects.toBe(failure);
    await expect(
      inSpan('fails too', {}, () => {
        throw failure;
      }),
    ).rejects.toBe(failure);
    for (const name of ['fails', 'fails too'])
      expect(finished(name)).toMatchObject({ ended: true, status: { code: SpanStatusCode.ERROR, message: 'no luck' } });
  });

  it('may be failed by hand, with anything', () => {
    const span = startSpan('odd');
    recordError(span, 'a text');
    span.end();
    expect(finished('odd').status).toMatchObject({ code: SpanStatusCode.ERROR, message: 'a text' });
  });
});
