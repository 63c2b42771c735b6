import { gzipSync } from 'node:zlib';
import { opentelemetry } from '@laminar/protocol';
import { recordError, SpanKind, startSpan, traceparentOf } from '@laminar/telemetry';
import { startTelemetry } from '@laminar/telemetry/node';
import {
  eventually,
  type ServiceProcess,
  startNats,
  startService,
  type TemporaryDirectory,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { select } from './testing.js';

const { ExportTraceServiceRequest, ExportTraceServiceResponse, RpcStatus } = opentelemetry.proto;
const protobuf = 'application/x-protobuf';
const json = 'application/json';

let server: TestNats;
let directory: TemporaryDirectory;
let query: ServiceProcess;

beforeAll(async () => {
  server = await startNats();
  directory = await temporaryDirectory('query');
  query = await startService({ service: 'query', env: { NATS_URL: server.url, LAMINAR_DATA_DIR: directory.path } });
});

afterAll(async () => {
  await query?.stop();
  await server?.stop();
  await directory?.remove();
});

async function post(body: Uint8Array | string, contentType: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${query.url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': contentType, ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const spanOf = (traceId: string) => ({
  traceId: bytes(traceId),
  spanId: bytes('00000000000000b1'),
  name: 'publish',
  kind: 4,
  // Both are numbers that a double holds.
  startTimeUnixNano: 1_795_000_000_000_000_000,
  endTimeUnixNano: Number('1795000000002000128'),
});
const requestOf = (...spans: object[]) =>
  ExportTraceServiceRequest.encode(
    ExportTraceServiceRequest.fromObject({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'tester' } }] },
          scopeSpans: [{ spans }],
        },
      ],
    }),
  ).finish();

/** A span before those within it, also where they began in the same moment. */
const spansOf = (traceId: string) =>
  select(
    query.url,
    `SELECT * FROM system.spans WHERE trace_id = '${traceId}' ORDER BY start_time, end_time DESC, kind DESC`,
  );

describe('spans', () => {
  it('come in from the SDK that all services use', async () => {
    const telemetry = startTelemetry({
      serviceName: 'tester',
      instance: 'tester-1',
      otlpEndpoint: query.url,
      otlpHeaders: {},
    });
    const outer = startSpan('outer', { kind: SpanKind.SERVER, attributes: { 'laminar.revision': 7 } });
    const traceparent = traceparentOf(outer);
    const inner = startSpan('inner', { kind: SpanKind.PRODUCER, parent: traceparent, links: [traceparent] });
    recordError(inner, new Error('no such subject'));
    inner.end();
    outer.end();
    const [, traceId = '', spanId] = traceparent.split('-');
    const found = await eventually(async () => (await spansOf(traceId)).length === 2 && spansOf(traceId), {
      what: 'both spans to be visible',
      timeoutMs: 2000,
    });
    expect(found[0]).toMatchObject({
      span_id: spanId,
      parent_span_id: null,
      service: 'tester',
      name: 'outer',
      kind: 'server',
      status: 'unset',
    });
    expect(found[1]).toMatchObject({ parent_span_id: spanId, name: 'inner', kind: 'producer', status: 'error' });
    expect(JSON.parse(String(found[0]?.attributes))).toEqual({
      'service.instance.id': 'tester-1',
      'laminar.revision': 7,
    });
    expect(JSON.parse(String(found[1]?.attributes))).toEqual({
      'service.instance.id': 'tester-1',
      'otel.status_description': 'no such subject',
      'otel.links': [{ trace_id: traceId, span_id: spanId }],
    });
    await telemetry.shutdown();
  });

  it('come in as protobuf, gzipped or not, and are in the tables with the answer', async () => {
    const [plain, zipped] = ['a'.repeat(32), 'b'.repeat(32)];
    const answer = await post(requestOf(spanOf(plain)), protobuf);
    expect([answer.status, answer.type]).toEqual([200, protobuf]);
    expect(ExportTraceServiceResponse.decode(answer.bytes).partialSuccess ?? null).toBeNull();
    expect((await post(gzipSync(requestOf(spanOf(zipped))), protobuf, { 'content-encoding': 'gzip' })).status).toBe(
      200,
    );
    for (const traceId of [plain, zipped]) {
      expect(await spansOf(traceId)).toEqual([
        {
          trace_id: traceId,
          span_id: '00000000000000b1',
          parent_span_id: null,
          service: 'tester',
          name: 'publish',
          kind: 'producer',
          start_time: '2026-11-18T11:06:40.000000000Z',
          end_time: '2026-11-18T11:06:40.002000128Z',
          duration_ms: 2.000128,
          status: 'unset',
          attributes: '{}',
        },
      ]);
    }
  });

  it('come in as JSON, to the nanosecond', async () => {
    const traceId = 'C'.repeat(32);
    const attributes = [
      { key: 'big', value: { intValue: '9007199254740993' } },
      { key: 'small', value: { intValue: 5 } },
      { key: 'yes', value: { boolValue: true } },
      { key: 'list', value: { arrayValue: { values: [{ doubleValue: 1.5 }, { stringValue: 'a' }] } } },
      { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } } },
    ];
    const span = {
      traceId,
      spanId: '00000000000000C1',
      parentSpanId: '00000000000000c0',
      name: 'receive',
      kind: 5,
      startTimeUnixNano: '1795000000123456789',
      endTimeUnixNano: '1795000000123456790',
      attributes,
      status: { code: 2, message: 'broken' },
      aFieldOfAnotherDay: {},
    };
    const answer = await post(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }), json);
    expect([answer.status, new TextDecoder().decode(answer.bytes)]).toEqual([200, '{}']);
    const [found] = await spansOf('c'.repeat(32));
    expect(found).toMatchObject({
      span_id: '00000000000000c1',
      parent_span_id: '00000000000000c0',
      service: 'unknown_service',
      kind: 'consumer',
      start_time: '2026-11-18T11:06:40.123456789Z',
      duration_ms: 0.000001,
      status: 'error',
    });
    expect(JSON.parse(String(found?.attributes))).toEqual({
      big: '9007199254740993',
      small: 5,
      yes: true,
      list: [1.5, 'a'],
      map: { k: 'v' },
      'otel.status_description': 'broken',
    });
  });

  it('that were sent before are not there twice', async () => {
    const traceId = 'd'.repeat(32);
    await post(requestOf(spanOf(traceId)), protobuf);
    await post(requestOf(spanOf(traceId)), protobuf);
    expect(await spansOf(traceId)).toHaveLength(1);
  });

  it('that do not hold are counted in the answer, beside those that do', async () => {
    const traceId = 'e'.repeat(32);
    const answer = await post(requestOf(spanOf(traceId), spanOf('00'), spanOf('0'.repeat(32))), protobuf);
    expect(answer.status).toBe(200);
    expect(Number(ExportTraceServiceResponse.decode(answer.bytes).partialSuccess?.rejectedSpans)).toBe(2);
    expect(await spansOf(traceId)).toHaveLength(1);
  });

  it('of this service itself do not exist, so that no export causes another', async () => {
    await post(requestOf(spanOf('f'.repeat(32))), protobuf);
    expect(await select(query.url, "SELECT name FROM system.spans WHERE service LIKE '%query%'")).toEqual([]);
  });
});

describe('what is no export', () => {
  it.each([
    [400, 'bytes', protobuf, new Uint8Array([0xff, 0xff, 0xff]), {}],
    [400, 'text', json, 'no json', {}],
    [400, 'an array', json, '[]', {}],
    [
      400,
      'an odd id',
      json,
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'xyz' }] }] }] }),
      {},
    ],
    [400, 'wrong types', json, JSON.stringify({ resourceSpans: 5 }), {}],
    [400, 'deep nesting', json, `{"resourceSpans":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, {}],
    [400, 'what is not gzip', protobuf, new Uint8Array([1, 2, 3]), { 'content-encoding': 'gzip' }],
    [413, 'a bomb', protobuf, gzipSync(Buffer.alloc(64 * 1024 * 1024)), { 'content-encoding': 'gzip' }],
    [413, 'a large body', protobuf, new Uint8Array(9 * 1024 * 1024), {}],
    [415, 'another encoding', protobuf, new Uint8Array(), { 'content-encoding': 'br' }],
    [415, 'another type', 'text/plain', 'hello', {}],
  ])('is refused with %i: %s', async (status, _what, type, body, headers) => {
    const answer = await post(body, type, headers);
    expect(answer.status).toBe(status);
    const message =
      type === json
        ? (JSON.parse(new TextDecoder().decode(answer.bytes)) as { message: string }).message
        : RpcStatus.decode(answer.bytes).message;
    expect(message.length).toBeGreaterThan(5);
  });
});
