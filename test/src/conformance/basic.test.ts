import { afterAll, beforeAll, describe, expect } from 'vitest';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { MeshClient, textsOf } from './client.js';
import { specIt, specSql } from './spec.js';

// The specification's "Basic Core NATS", its table of options, and "Subject Patterns".

let mesh: TestMesh;
let client: MeshClient;
beforeAll(async () => {
  mesh = await startMesh();
  client = await MeshClient.connect(mesh);
});
afterAll(async () => {
  await MeshClient.close(client);
  await mesh?.stop();
});

const spec = (id: string) => specSql(id, { 'nats://localhost:4222': mesh.nats.url });
const put = (name: string, options: { readonly [name: string]: unknown }) =>
  client.api.put(`/connections/${name}`, { connector: 'nats', options });

describe('Basic Core NATS', () => {
  specIt('nats_source', 'what is published to its subject is read', async () => {
    const [created] = await client.run(spec('nats_source'));
    expect(created).toMatchObject({ kind: 'connection', name: 'nats_source', action: 'created', warnings: [] });
    await client.run('CREATE PIPELINE basic AS SELECT id, customer FROM nats_source WHERE amount > 10');
    const rows = await client.collect('laminar.output.basic');
    for (const [subject, amount] of [
      ['events.a', 11],
      ['events.a.b', 12],
      ['events.c', 10],
      ['other.a', 13],
      ['events.last', 99],
    ] as const)
      client.nc.publish(subject, JSON.stringify({ id: subject, customer: 'Ann', amount }));
    await client.arrived(rows, 3);
    expect(textsOf(rows)).toEqual(
      ['events.a', 'events.a.b', 'events.last'].map((id) => `{"id":"${id}","customer":"Ann"}`),
    );
    await client.systemRow(
      "SELECT * FROM system.nats_connections WHERE connection_name = 'nats_source'",
      (row) => row.state === 'connected' && row.messages_received === 4,
    );
  });

  specIt('nats_source', 'the options that it must have are asked for by name', async () => {
    const whole = { servers: mesh.nats.url, subject: 'events.>', type: 'source', format: 'json' };
    for (const name of Object.keys(whole)) {
      const { status, body } = await put('lacking', { ...whole, [name]: undefined });
      expect(status, name).toBe(422);
      expect(body.errors).toMatchObject([
        { pointer: `/options/${name}`, detail: expect.stringContaining(`"${name}"`) },
      ]);
      const written = spec('nats_source')
        .replace('nats_source', 'lacking')
        .replace(new RegExp(`^ *${name} = .*\n`, 'm'), '')
        .replace(/,\s*\)/, '\n)');
      const script = await client.api.post('/sql', { sql: written });
      expect(script, name).toMatchObject({
        status: 422,
        body: { errors: [{ detail: expect.stringContaining(`"${name}"`), position: { line: expect.any(Number) } }] },
      });
    }
  });

  specIt('nats_source', 'the optional ones have the defaults of the table', async () => {
    const document = await (await fetch(`${mesh.controlPlanes[0]?.url}/openapi.json`)).text();
    expect(document).toMatch(/"jetstream":\{[^}]*"default":false/);
    expect(document).toMatch(/"max_reconnects":\{[^}]*"default":10\b/);
    // Those without a default may be left out, and what is given is kept as it was written.
    const options = {
      servers: mesh.nats.url,
      subject: 'a',
      type: 'source',
      format: 'json',
      jetstream: false,
      queue_group: 'g',
      max_reconnects: 3,
    };
    expect((await put('written_out', options)).body.options).toEqual(options);
    const withStream = {
      servers: mesh.nats.url,
      subject: 'a',
      type: 'source',
      format: 'json',
      jetstream: true,
      stream_name: 'S',
      consumer_name: 'c',
    };
    expect((await put('with_stream', withStream)).body.options).toEqual(withStream);
    await client.run('DROP CONNECTION written_out; DROP CONNECTION with_stream');
  });

  specIt('nats_source', 'of another type, format or with an option of another name it is refused', async () => {
    const whole = { servers: mesh.nats.url, subject: 'events.>', type: 'source', format: 'json' };
    for (const [options, pointer, detail] of [
      [{ type: 'both' }, 'type', 'source'],
      [{ format: 'xml' }, 'format', 'json'],
      [{ max_reconnects: 'many' }, 'max_reconnects', 'whole number'],
      [{ jetstream: 'yes' }, 'jetstream', 'true or false'],
      [{ queue_grup: 'g' }, 'queue_grup', 'queue_group'],
      [{ queue_group: 'g.*' }, 'queue_group', 'queue_group'],
      [{ stream_name: 'S' }, 'stream_name', 'jetstream = true'],
      [{ servers: 'http://localhost:4222' }, 'servers', 'nats://'],
    ] as const) {
      const { status, body } = await put('refused', { ...whole, ...options });
      expect(status, JSON.stringify(options)).toBe(422);
      const found = body.errors.find((error: { pointer: string }) => error.pointer === `/options/${pointer}`);
      expect(found?.detail, JSON.stringify(body.errors)).toContain(detail);
    }
  });

  specIt('nats_source', "with type = 'sink' it takes the rows of pipelines", async () => {
    await client.run(`
      CREATE CONNECTION basic_sink TO nats (servers = '${mesh.nats.url}', subject = 'sunk.here', type = 'sink', format = 'json');
      CREATE PIPELINE to_sink AS INSERT INTO basic_sink SELECT id FROM nats_source`);
    const rows = await client.collect('sunk.here');
    client.nc.publish('events.x', '{"id":1}');
    await client.arrived(rows, 1);
    expect(textsOf(rows)).toEqual(['{"id":1}']);
    const read = await client.api.post('/sql', { sql: 'CREATE PIPELINE from_sink AS SELECT id FROM basic_sink' });
    expect(read).toMatchObject({ status: 422, body: { detail: expect.stringContaining('sink') } });
  });
});

describe('Subject Patterns', () => {
  /** Which of the subjects a statement's connection reads. */
  async function read(id: string, subjects: readonly string[], count: number): Promise<unknown[]> {
    await client.run(`${spec(id)} CREATE PIPELINE of_${id} AS SELECT _nats_subject AS subject FROM ${id}`);
    const rows = await client.collect(`laminar.output.of_${id}`);
    for (const subject of subjects) client.nc.publish(subject, '{}');
    await client.arrived(rows, count);
    return textsOf(rows).map((text) => JSON.parse(text).subject);
  }

  specIt('nats_exact', 'one subject is read and no other', async () => {
    const sent = ['orders', 'orders.created.late', 'orders.Created', 'xorders.created', 'orders.created'];
    expect(await read('nats_exact', sent, 1)).toEqual(['orders.created']);
  });

  specIt('nats_wildcard', '* stands for one token', async () => {
    const sent = [
      'events.created',
      'events.a.b.created',
      'events.order.deleted',
      'events.order.created',
      'events.user.created',
    ];
    expect(await read('nats_wildcard', sent, 2)).toEqual(['events.order.created', 'events.user.created']);
  });

  specIt('nats_multi_wildcard', '> stands for one token and more', async () => {
    const sent = ['logs', 'log.a', 'logs.a', 'logs.a.b.c'];
    expect(await read('nats_multi_wildcard', sent, 2)).toEqual(['logs.a', 'logs.a.b.c']);
  });

  specIt('nats_wildcard', 'what is no pattern is refused where it stands', async () => {
    for (const subject of ['a..b', '.a', 'a.', 'a b', '', 'a.>.b', 'a\tb', 'a*.b', 'a.b>']) {
      const { status, body } = await put('no_pattern', {
        servers: mesh.nats.url,
        subject,
        type: 'source',
        format: 'json',
      });
      expect(status, subject).toBe(422);
      expect(body.errors, subject).toMatchObject([{ pointer: '/options/subject' }]);
      const script = await client.api.post('/sql', {
        sql: spec('nats_wildcard').replace('events.*.created', subject).replace('nats_wildcard', 'no_pattern'),
      });
      expect(script, subject).toMatchObject({ status: 422, body: { errors: [{ position: { line: 4 } }] } });
    }
  });
});
