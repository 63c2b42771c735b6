import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, startNats, type TemporaryDirectory, type TestNats, temporaryDirectory } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

let nats: TestNats;
let directory: TemporaryDirectory;
let replica: Replica;
let closed: Replica;

beforeAll(async () => {
  nats = await startNats();
  directory = await temporaryDirectory('schemas');
  const filesDirs = [directory.path];
  [replica, closed] = await Promise.all([
    startReplica(nats.url, { filesDirs }),
    startReplica(nats.url, { filesDirs: [] }),
  ]);
  await eventually(() => replica.health.reason === undefined && closed.health.reason === undefined, {
    what: 'the control planes to be ready',
  });
});
afterAll(async () => {
  await Promise.all([replica.stop(), closed.stop()]);
  await directory.remove();
  await nats.stop();
});

/** A descriptor set with the one message `M`: file 1 { name 1, message 4 { name 1 }, syntax 12 }. */
const descriptor = Buffer.concat([
  Buffer.from([0x0a, 22]),
  Buffer.from('\n\u0007m.proto"\u0003\n\u0001Mb\u0006proto3'),
]);
const path = (name: string) => join(directory.path, name);
const connection = (file: string, more: object = {}) => ({
  connector: 'nats',
  options: {
    servers: 'nats://localhost:4222',
    type: 'source',
    format: 'protobuf',
    subject: 'a',
    protobuf_message: 'M',
    protobuf_descriptor: file,
    ...more,
  },
});

describe('the descriptor that a connection names', () => {
  it('is a warning while it is missing, or cannot be read here', async () => {
    await mkdir(path('folder'));
    for (const [file, code] of [
      [path('late.desc'), 'missing_file'],
      [path('folder'), 'unreadable_file'],
    ] as const) {
      const { status, body } = await replica.call('PUT', 'connections/late', connection(file));
      expect([200, 201]).toContain(status);
      expect(body.warnings).toMatchObject([{ code, message: expect.stringContaining(file) }]);
    }
    await writeFile(path('late.desc'), descriptor);
    expect((await replica.call('PUT', 'connections/late', connection(path('late.desc')))).body.warnings).toEqual([]);
  });

  it('is refused where it can never do, and nothing is written', async () => {
    await writeFile(path('m.desc'), descriptor);
    await writeFile(path('m.proto'), 'syntax = "proto3"; message M {}');
    await replica.call('PUT', 'connections/kept', connection(path('m.desc')));
    for (const [change, pointer, detail] of [
      [{ protobuf_descriptor: path('m.proto') }, '/options/protobuf_descriptor', 'no descriptor set'],
      [{ protobuf_message: 'N' }, '/options/protobuf_message', 'it has M'],
      [{ protobuf_descriptor: '/etc/hostname' }, '/options/protobuf_descriptor', 'LAMINAR_FILES_DIRS'],
    ] as const) {
      const answers = [
        await replica.call('PUT', 'connections/kept', connection(path('m.desc'), change)),
        await replica.call('PATCH', 'connections/kept', { options: change }),
      ];
      for (const { status, body } of answers) {
        expect({ status, code: body.code }).toEqual({ status: 422, code: 'invalid_definition' });
        expect(body.errors).toMatchObject([{ pointer, detail: expect.stringContaining(detail) }]);
      }
    }
    expect((await replica.call('GET', 'connections/kept')).body).toMatchObject({ version: 1 });
  });

  it('is looked at by a rehearsal as by a write', async () => {
    const sql = (file: string) =>
      `CREATE CONNECTION rehearsed TO nats (servers = 'h', subject = 'a', type = 'source', format = 'protobuf', protobuf_message = 'M',
        protobuf_descriptor = '${file}')`;
    const missing = await replica.call('POST', 'validate', { sql: sql(path('none.desc')) });
    expect(missing.body.results[0].warnings).toMatchObject([{ code: 'missing_file' }]);
    const refused = await replica.call('POST', 'sql', { sql: sql('/etc/hostname'), dry_run: true });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ position: { line: 2, column: 9 } }] } });
    expect((await replica.call('GET', 'connections/rehearsed')).status).toBe(404);
  });

  it('cannot be named where definitions may name no files', async () => {
    await writeFile(path('open.desc'), descriptor);
    const { status, body } = await closed.call('PUT', 'connections/closed', connection(path('open.desc')));
    expect({ status, pointer: body.errors?.[0]?.pointer }).toEqual({
      status: 422,
      pointer: '/options/protobuf_descriptor',
    });
  });
});

describe('the files of TLS that a connection names', () => {
  const options = (file: string) => ({
    servers: 'nats://localhost:4222',
    type: 'source',
    format: 'json',
    subject: 'a',
    tls_required: true,
    tls_ca_file: file,
  });
  const put = (file: string) =>
    replica.call('PUT', 'connections/by_tls', { connector: 'nats', options: options(file) });

  it('are warnings while they are missing', async () => {
    const { status, body } = await put(path('ca.pem'));
    expect(status).toBe(201);
    expect(body.warnings).toMatchObject([{ code: 'missing_file', message: expect.stringContaining('ca.pem') }]);
    await writeFile(path('ca.pem'), 'any');
    expect((await put(path('ca.pem'))).body.warnings).toEqual([]);
  });

  it('are refused where definitions may not name them', async () => {
    for (const file of ['/etc/hostname', `${path('..')}/x.pem`]) {
      const { status, body } = await put(file);
      expect({ status, errors: body.errors }).toMatchObject({
        status: 422,
        errors: [{ pointer: '/options/tls_ca_file', detail: expect.stringContaining('LAMINAR_FILES_DIRS') }],
      });
    }
  });
});
