import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { laminar, opentelemetry, subjectOfKey } from '@laminar/protocol';
import { eventually, type ServiceProcess, startNats, startService, type TestNats } from '@laminar/test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';

const { ExportTraceServiceRequest } = opentelemetry.proto;

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: { [key: string]: string };
}

let nats: TestNats;
let service: ServiceProcess;
const spans: Span[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { resourceSpans } = ExportTraceServiceRequest.decode(Buffer.concat(chunks));
    for (const { scopeSpans } of resourceSpans ?? [])
      for (const scope of scopeSpans ?? []) for (const span of scope.spans ?? []) spans.push(readSpan(span));
    response.end();
  });
});

function readSpan(span: opentelemetry.proto.Span.$Properties): Span {
  const hex = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('hex');
  const attributes = (span.attributes ?? []).map(({ key, value }) => [
    key,
    value?.stringValue ?? String(value?.intValue ?? ''),
  ]);
  return {
    name: span.name ?? '',
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    attributes: Object.fromEntries(attributes),
  };
}

beforeAll(async () => {
  nats = await startNats();
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  const env = { NATS_URL: nats.url, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  service = await startService({ service: 'control-plane', env });
});
afterAll(async () => {
  expect(await service.stop()).toBe(0);
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
  await nats.stop();
});

it.each([
  ['sampled', '01'],
  ['not sampled', '00'],
])('continues the trace of a caller whose own is %s, down to the event', async (_what, flags) => {
  const traceId = `4bf92f3577b34da6a3ce929d0e0e47${flags}`;
  const name = `traced_${flags}`;
  const response = await fetch(`${service.url}/api/v1/pipelines`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-00f067aa0ba902b7-${flags}` },
    body: JSON.stringify({ name, query: 'SELECT a FROM nowhere' }),
  });
  expect(response.status).toBe(201);
  const { append, request } = await eventually(
    () => {
      const own = spans.filter((span) => span.traceId === traceId);
      const append = own.find((span) => span.name === 'append');
      const request = own.find((span) => span.name === 'POST /api/v1/pipelines');
      return append && request && { append, request };
    },
    { what: 'the spans to arrive' },
  );
  expect(request.parentSpanId).toBe('00f067aa0ba902b7');
  expect(request.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/api/v1/pipelines',
    'http.response.status_code': '201',
    'url.path': '/api/v1/pipelines',
  });
  expect(append.parentSpanId).toBe(request.spanId);
  expect(append.attributes['laminar.definition.name']).toBe(name);

  const nc = await connect({ servers: nats.url });
  const jsm = await jetstreamManager(nc);
  const key = subjectOfKey('laminar_definitions', `pipeline.${name}.0000000001`);
  const message = await jsm.direct.getMessage('KV_laminar_definitions', { last_by_subj: key });
  const event = laminar.v1.DefinitionEvent.decode(message?.data ?? new Uint8Array());
  expect(event.traceparent).toBe(`00-${traceId}-${append.spanId}-01`);
  await nc.close();
});

it('says nothing of probes', async () => {
  await fetch(`${service.url}/readyz`);
  await fetch(`${service.url}/api/v1/tables`);
  await eventually(() => spans.some(({ name }) => name === 'GET /api/v1/tables'), { what: 'a later span' });
  expect(spans.filter(({ name }) => name.includes('readyz'))).toEqual([]);
  const metrics = await fetch(`${service.url}/metrics`);
  expect(metrics.status).toBe(200);
  expect(await metrics.text()).toMatch(/^laminar_http_requests_total\{.*http_route="\/api\/v1\/tables".*\} 1/m);
});
