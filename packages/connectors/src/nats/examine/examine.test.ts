import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { type Codec, jsonCodec } from '@laminar/codecs';
import { connectionIssues, type Options, resolveConnection } from '@laminar/definitions';
import {
  eventually,
  freePort,
  seedOf,
  startNats,
  type TemporaryDirectory,
  TestCertificates,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { nkeys } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectionCheck, ConnectorError, examineConnection } from '../../index.js';
import { TestSecrets } from '../../testing/secrets.js';

/** The checks of a source, by name. */
async function examine(
  options: Options,
  {
    secrets = {},
    timeoutMs = 5000,
    codec = async () => jsonCodec,
  }: { secrets?: { [name: string]: string }; timeoutMs?: number; codec?: () => Promise<Codec> } = {},
): Promise<{ [check: string]: ConnectionCheck }> {
  const definition = { connector: 'nats', options: { type: 'source', format: 'json', ...options } } as const;
  const [issue] = connectionIssues(definition);
  if (issue) throw new Error(issue.message);
  const checks = await examineConnection('nats', {
    resolved: resolveConnection('orders', definition),
    clientName: 'test',
    secrets: new TestSecrets(secrets),
    files: { read: (path) => readFile(path) },
    codec,
    timeoutMs,
  });
  return Object.fromEntries(checks.map((check) => [check.check, check]));
}

const skippedFor = (check: string) => ({ status: 'skipped', message: expect.stringContaining(`"${check}"`) });

describe('TLS', () => {
  let directory: TemporaryDirectory;
  let ca: string;
  let anotherCa: string;
  let client: { cert: string; key: string };
  let server: TestNats;
  let elsewhere: TestNats;
  let outdated: TestNats;
  let mutual: TestNats;
  let plain: TestNats;

  beforeAll(async () => {
    directory = await temporaryDirectory('examine');
    const certificates = new TestCertificates(directory.path);
    ca = certificates.authority('ca');
    anotherCa = certificates.authority('another-ca');
    client = certificates.issue('client', { authority: 'ca', host: 'client' });
    const start = (host: string, { expired = false, more = '' } = {}) => {
      const { cert, key } = certificates.issue(`${host}${expired}`, { authority: 'ca', host, expired });
      return startNats({ config: `tls { cert_file: "${cert}", key_file: "${key}"${more} }`, jetstream: false });
    };
    [server, elsewhere, outdated, mutual, plain] = await Promise.all([
      start('127.0.0.1'),
      start('nats.example.com'),
      start('127.0.0.1', { expired: true }),
      start('127.0.0.1', { more: `, ca_file: "${ca}", verify: true` }),
      startNats({ jetstream: false }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([server, elsewhere, outdated, mutual, plain].map((started) => started?.stop()));
    await directory?.remove();
  });

  const source = ({ url }: TestNats, options: Options = {}) =>
    examine({ servers: url, subject: 'in', tls_required: true, ...options });

  it('shows the certificate, who made it and how long it holds', async () => {
    const { tls, authentication } = await source(server, { tls_ca_file: ca });
    // Those of the test hold for two days.
    expect(tls).toMatchObject({ status: 'warning', message: expect.stringContaining('is over in 1 days') });
    for (const evidence of ['TLSv1.3', '127.0.0.1', 'issued by ca', 'valid until 20'])
      expect(tls?.message).toContain(evidence);
    expect(authentication?.status).toBe('ok');
  });

  it('finds a certificate for another host, of an unknown authority, or that is over', async () => {
    for (const [where, options, word] of [
      [elsewhere, { tls_ca_file: ca }, 'use a name that the certificate is for'],
      [server, { tls_ca_file: anotherCa }, 'tls_ca_file names the authority'],
      [server, {}, 'tls_ca_file names the authority'],
      [outdated, { tls_ca_file: ca }, 'CERT_HAS_EXPIRED'],
    ] as const) {
      const { tls, authentication } = await source(where, options);
      expect(tls).toMatchObject({ status: 'failed', message: expect.stringContaining(word) });
      expect(authentication).toMatchObject(skippedFor('tls'));
    }
  });

  it('says that nothing is checked where the definition wants that', async () => {
    const { tls, authentication } = await source(elsewhere, { tls_verify: false });
    expect(tls).toMatchObject({ status: 'warning', message: expect.stringContaining('nats.example.com') });
    expect(authentication?.status).toBe('ok');
  });

  it('finds what one side wants and the other does not have', async () => {
    expect((await source(mutual, { tls_ca_file: ca })).tls).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('tls_cert_file'),
    });
    const both = { tls_ca_file: ca, tls_cert_file: client.cert, tls_key_file: client.key };
    expect((await source(mutual, both)).authentication?.status).toBe('ok');
    expect((await source(plain)).tls).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('offers no TLS'),
    });
    const missing = await source(server, { tls_ca_file: `${directory.path}/nothing.pem` });
    expect(missing.tls).toMatchObject({ status: 'failed', message: expect.stringContaining('tls_ca_file') });
    const first = await source(server, { tls_ca_file: ca, tls_handshake_first: true });
    expect(first.tls).toMatchObject({ status: 'failed', message: expect.stringContaining('2.10') });
  });
});

describe('a test', () => {
  let server: TestNats;
  const user = nkeys.createUser();
  const key = user.getPublicKey();
  beforeAll(async () => {
    server = await startNats({ config: `authorization { users = [ { nkey: ${key} } ] }` });
  });
  afterAll(() => server?.stop());

  it('tells who connects by what may be known of it', async () => {
    const options = { servers: server.url, subject: 'in', nkey_seed: '$' + '{secret:seed}' };
    const secrets = { seed: seedOf(user) };
    const checks = await examine(options, { secrets });
    expect(checks.authentication).toMatchObject({ status: 'ok', message: expect.stringContaining(key) });
    expect(JSON.stringify(checks)).not.toContain(secrets.seed);
    const wrong = await examine(options, { secrets: { seed: seedOf(nkeys.createUser()) } });
    expect(wrong.authentication).toMatchObject({ status: 'failed', message: expect.stringContaining('the NKey') });
  });

  it('ends when its time does, whoever does not answer', async () => {
    const silent: Server = createServer(() => undefined);
    const port = await freePort();
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
    const { reach, tls } = await examine({ servers: `nats://127.0.0.1:${port}`, subject: 'in' }, { timeoutMs: 300 });
    expect(reach).toMatchObject({ status: 'failed', message: expect.stringContaining('no nats-server') });
    expect(tls).toMatchObject(skippedFor('reach'));
    silent.close();
  });
});

describe('a user who may do little', () => {
  let server: TestNats;
  const may = (subjects: string) =>
    `permissions: { publish: [${subjects}, "$SYS.REQ.USER.INFO"], subscribe: ["_INBOX.>"] }`;
  const reading = '"$JS.API.STREAM.INFO.S", "$JS.API.CONSUMER.INFO.S.*", "$JS.API.CONSUMER.MSG.NEXT.S.*"';
  beforeAll(async () => {
    server = await startNats({
      config: `authorization { users = [
        { user: admin, password: secret }
        { user: reader, password: secret, ${may(`${reading}, "$JS.ACK.S.>", "$JS.API.STREAM.MSG.GET.S", "$JS.API.DIRECT.GET.S"`)} }
        { user: silent, password: secret, ${may(reading)} }
      ] }`,
    });
    const nc = await connect({ servers: server.url, user: 'admin', pass: 'secret' });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: 'S', subjects: ['s.>'] });
    await jsm.consumers.add('S', { durable_name: 'laminar-orders', ack_policy: AckPolicy.Explicit });
    await nc.close();
  });
  afterAll(() => server?.stop());

  const examineAs = (username: string) =>
    examine(
      {
        servers: server.url,
        jetstream: true,
        stream_name: 'S',
        subject: '>',
        username,
        password: '$' + '{secret:word}',
      },
      { secrets: { word: 'secret' } },
    );

  it('need not be allowed to ask what its account has', async () => {
    const { server: whole, stream, consumer } = await examineAs('reader');
    expect(whole).toMatchObject({ status: 'ok', message: expect.stringContaining('may not ask') });
    expect([stream?.status, consumer?.status]).not.toContain('failed');
  });

  it('is told where it may read and not acknowledge, by servers that know', async () => {
    const { permissions } = await examineAs('silent');
    const untold = permissions?.status === 'skipped';
    if (untold) expect(permissions?.message).toContain('$JS.ACK.S.laminar-orders.>');
    else
      expect(permissions).toMatchObject({
        status: 'failed',
        message: expect.stringContaining('$JS.ACK.S.laminar-orders.>'),
      });
  });
});

describe('a format', () => {
  it('that cannot be read fails the test, though no message came', async () => {
    const nats = await startNats({ jetstream: false });
    try {
      const missing = () => Promise.reject(new ConnectorError('blocked', 'there is no file /event.desc'));
      const { sample } = await examine({ servers: nats.url, subject: 'quiet' }, { codec: missing });
      expect(sample).toMatchObject({ status: 'failed', message: 'there is no file /event.desc' });
    } finally {
      await nats.stop();
    }
  });
});

describe('a KV bucket', () => {
  it('that is a mirror under another name has a sample', async () => {
    const nats = await startNats();
    const nc = await connect({ servers: nats.url });
    try {
      const jsm = await jetstreamManager(nc);
      await jsm.streams.add({ name: 'KV_ORIGIN', subjects: ['$KV.ORIGIN.>'] });
      await jsm.streams.add({ name: 'KV_COPY', mirror: { name: 'KV_ORIGIN' } });
      await jetstream(nc).publish('$KV.ORIGIN.a.b', '7');
      await eventually(async () => (await jsm.streams.info('KV_COPY')).state.messages === 1, { what: 'the copy' });
      const { stream, sample } = await examine({
        servers: nats.url,
        jetstream: true,
        kv_bucket: 'COPY',
        kv_keys: 'a.>',
      });
      expect(stream).toMatchObject({ status: 'ok' });
      expect(sample).toMatchObject({ status: 'ok', message: expect.stringContaining('on $KV.ORIGIN.a.b') });
    } finally {
      await nc.close();
      await nats.stop();
    }
  });
});

describe('a stream', () => {
  it('that changes the subjects of what it takes may hold any', async ({ skip }) => {
    const nats = await startNats();
    const nc = await connect({ servers: nats.url });
    try {
      if (/^2\.9\./.test(nc.info?.version ?? '')) skip('nats-server changes subjects from 2.10 on');
      const jsm = await jetstreamManager(nc);
      const subject_transform = { src: 'raw.*', dest: 'fine.{{wildcard(1)}}' };
      await jsm.streams.add({ name: 'CHANGED', subjects: ['raw.*'], subject_transform });
      await jetstream(nc).publish('raw.a', '7');
      const options = { servers: nats.url, jetstream: true, stream_name: 'CHANGED', subject: 'fine.>' };
      const { stream, sample } = await examine(options);
      expect(stream).toMatchObject({ status: 'ok' });
      expect(sample).toMatchObject({ status: 'ok', message: expect.stringContaining('on fine.a') });
    } finally {
      await nc.close();
      await nats.stop();
    }
  });

  it('that is kept in memory is warned of', async () => {
    const nats = await startNats();
    const nc = await connect({ servers: nats.url });
    try {
      const jsm = await jetstreamManager(nc);
      await jsm.streams.add({ name: 'KEPT', subjects: ['kept'] });
      await jsm.streams.add({ name: 'VOLATILE', subjects: ['volatile'], storage: StorageType.Memory });
      const streamCheck = async (name: string) =>
        (await examine({ servers: nats.url, jetstream: true, stream_name: name, subject: name.toLowerCase() })).stream;
      expect(await streamCheck('KEPT')).toMatchObject({ status: 'ok' });
      expect(await streamCheck('VOLATILE')).toMatchObject({
        status: 'warning',
        message: expect.stringMatching(/lost when its servers stop.*1 replica/),
      });
    } finally {
      await nc.close();
      await nats.stop();
    }
  });
});
