import { readFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, createServer, type Server } from 'node:tls';
import type { Options } from '@laminar/definitions';
import {
  eventually,
  freePort,
  startNats,
  type TemporaryDirectory,
  TestCertificates,
  type TestNats,
  temporaryDirectory,
} from '@laminar/test';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeConnections, connectionOf, openConnection } from '../testing/connections.js';

describe('a connection by TLS', () => {
  let directory: TemporaryDirectory;
  let certificates: TestCertificates;
  let ca: string;
  let anotherCa: string;
  let client: { cert: string; key: string };
  let server: TestNats;
  let mutual: TestNats;
  let plain: TestNats;

  beforeAll(async () => {
    directory = await temporaryDirectory('tls');
    certificates = new TestCertificates(directory.path);
    ca = certificates.authority('ca');
    anotherCa = certificates.authority('another-ca');
    const { cert, key } = certificates.issue('server', { authority: 'ca', host: '127.0.0.1' });
    client = certificates.issue('client', { authority: 'ca', host: 'client' });
    const tls = `cert_file: "${cert}", key_file: "${key}"`;
    const start = (config: string) => startNats({ config, jetstream: false });
    [server, mutual, plain] = await Promise.all([
      start(`tls { ${tls} }`),
      start(`tls { ${tls}, ca_file: "${ca}", verify: true }`),
      start(''),
    ]);
  });
  afterEach(closeConnections);
  afterAll(async () => {
    await Promise.all([server, mutual, plain].map((started) => started?.stop()));
    await directory.remove();
  });

  const source = (servers: string, options: Options = {}) => ({ servers, type: 'source', subject: 'in', ...options });
  const required = { tls_required: true };
  /** How a connection is refused. */
  const refusal = async (options: Options) => {
    const { connection } = connectionOf(options);
    await expect(connection.open()).rejects.toMatchObject({ steer: 'blocked' });
    return connection.snapshot().lastError ?? '';
  };

  it('is encrypted, and the server is known by its authority', async () => {
    const { connection } = await openConnection(source(server.url, { ...required, tls_ca_file: ca }));
    expect(connection.snapshot().server).toMatchObject({ tlsRequired: true });
    await connection.reader().open();
  });

  it('is required by tls:// as well', async () => {
    const servers = server.url.replace('nats://', 'tls://');
    await openConnection(source(servers, { tls_ca_file: ca }));
    expect(await refusal(source(plain.url.replace('nats://', 'tls://')))).toContain('tls');
  });

  it('is refused by an authority that did not sign, and by those of the system', async () => {
    expect(await refusal(source(server.url, { ...required, tls_ca_file: anotherCa }))).toContain('tls_ca_file');
    expect(await refusal(source(server.url, required))).toContain('tls_ca_file');
    // Without a word of TLS the server's own wish counts, and its certificate is checked all the same.
    expect(await refusal(source(server.url))).toContain('tls_ca_file');
  });

  it('takes whoever answers with tls_verify = false', async () => {
    await openConnection(source(server.url, { ...required, tls_verify: false }));
  });

  it('is refused under a host name that the certificate is not for, unless nothing is checked', async () => {
    const byName = server.url.replace('127.0.0.1', 'localhost');
    const reason = await refusal(source(byName, { ...required, tls_ca_file: ca }));
    expect(reason).toContain('use a name that the certificate is for');
    await openConnection(source(byName, { ...required, tls_verify: false }));
  });

  it('is refused under an address that the certificate is not for, also by one for localhost', async () => {
    const { cert, key } = certificates.issue('local', { authority: 'ca', host: 'localhost' });
    const local = await startNats({ config: `tls { cert_file: "${cert}", key_file: "${key}" }`, jetstream: false });
    try {
      const options = { ...required, tls_ca_file: ca };
      expect(await refusal(source(local.url, options))).toContain('use a name that the certificate is for');
      await openConnection(source(local.url.replace('127.0.0.1', 'localhost'), options));
    } finally {
      await closeConnections();
      await local.stop();
    }
  });

  it('is refused where the certificate has expired', async () => {
    const { cert, key } = certificates.issue('old', { authority: 'ca', host: '127.0.0.1', expired: true });
    const old = await startNats({ config: `tls { cert_file: "${cert}", key_file: "${key}" }`, jetstream: false });
    try {
      expect(await refusal(source(old.url, { ...required, tls_ca_file: ca }))).toMatch(/expired/);
    } finally {
      await old.stop();
    }
  });

  it('sends nothing to a server without TLS', async () => {
    expect(await refusal(source(plain.url, required))).toContain("server does not support 'tls'");
  });

  it('shows its own certificate where the server wants one', async () => {
    const files = { tls_ca_file: ca, tls_cert_file: client.cert, tls_key_file: client.key };
    await openConnection(source(mutual.url, { ...required, ...files }));
    const reason = await refusal(source(mutual.url, { ...required, tls_ca_file: ca }));
    expect(reason).toMatch(/cannot connect to nats:\/\/127\.0\.0\.1/);
  });

  it('says which file is missing, and is let in when it comes', async () => {
    const late = certificates.path('late.pem');
    const options = source(server.url, { ...required, tls_ca_file: late });
    const { connection } = connectionOf(options);
    await expect(connection.open()).rejects.toMatchObject({
      steer: 'blocked',
      message: expect.stringMatching(/^tls_ca_file cannot be used here: .*late\.pem/),
    });
    await copyFile(ca, late);
    await openConnection(options);
  });

  it('reads its files again when it reconnects', async () => {
    const trusted = certificates.path('trusted.pem');
    await copyFile(ca, trusted);
    const { states } = await openConnection(source(server.url, { ...required, tls_ca_file: trusted }));
    await rm(trusted);
    await copyFile(anotherCa, trusted);
    await server.restart();
    await eventually(() => states.at(-1)?.state === 'reconnecting', { what: 'the connection to be lost' });
    await copyFile(ca, trusted);
    await eventually(() => states.at(-1)?.state === 'connected', { what: 'the connection to be back' });
  });

  describe('with the handshake first', () => {
    it('reaches what wants it', async () => {
      const port = await freePort();
      const gate = await startGate(port, server.port, certificates.path('server'));
      try {
        const options = { ...required, tls_ca_file: ca, tls_handshake_first: true };
        const { connection } = await openConnection(source(`nats://127.0.0.1:${port}`, options));
        await connection.reader().open();
      } finally {
        await closeConnections();
        await new Promise((resolve) => gate.close(resolve));
      }
    });

    it('says what it needs where the server speaks first', async () => {
      const options = { ...required, tls_ca_file: ca, tls_handshake_first: true };
      expect(await refusal(source(server.url, options))).toContain('tls_handshake_first needs nats-server 2.10');
    });
  });
});

/** A server that has to be spoken to by TLS before it says anything, made of one that speaks first: it holds back what that one says. */
async function startGate(port: number, target: number, certificate: string): Promise<Server> {
  const gate = createServer(
    { cert: readFileSync(`${certificate}.pem`), key: readFileSync(`${certificate}.key`) },
    (client) => {
      const behind = connectTcp(target, '127.0.0.1');
      behind.once('data', (greeting) => {
        client.write(greeting);
        const encrypted = connectTls({ socket: behind, rejectUnauthorized: false });
        client.pipe(encrypted).pipe(client);
        encrypted.on('error', () => client.destroy());
      });
      for (const socket of [client, behind]) {
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          client.destroy();
          behind.destroy();
        });
      }
    },
  );
  await new Promise<void>((resolve) => gate.listen(port, '127.0.0.1', resolve));
  return gate;
}
