import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '../eventually.js';
import { TestCertificates } from '../servers/certificates.js';
import { startLeaf } from '../servers/cluster.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';
import { startNats } from '../servers/nats.js';
import { type TemporaryDirectory, temporaryDirectory } from '../temporary-directory.js';
import { MeshClient, textsOf } from './client.js';
import { specIt, specSql } from './spec.js';

// The specification's "TLS Configuration" and "Leafnode Connection".

let mesh: TestMesh;
let client: MeshClient;
/** What the specification calls `/certs`. */
let certs: TemporaryDirectory;
/** Where the files are made, and from where they come to `certs`. */
let made: TemporaryDirectory;
let certificates: TestCertificates;
let tls: string;
beforeAll(async () => {
  [certs, made] = await Promise.all([temporaryDirectory('certs'), temporaryDirectory('made')]);
  certificates = new TestCertificates(made.path);
  certificates.authority('ca');
  certificates.authority('another-ca');
  const server = certificates.issue('server', { authority: 'ca', host: '127.0.0.1' });
  certificates.issue('client', { authority: 'ca', host: 'client' });
  tls = `cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${certificates.path('ca.pem')}"`;
  mesh = await startMesh({ env: { LAMINAR_FILES_DIRS: certs.path } });
  client = await MeshClient.connect(mesh);
});
afterAll(async () => {
  await MeshClient.close(client);
  await mesh?.stop();
  await Promise.all([certs?.remove(), made?.remove()]);
});

const give = (file: string, as: string) => copyFile(certificates.path(file), join(certs.path, as));
/** As the test's own client takes them; that one would look for a certificate for `localhost`, whatever address it dials. */
const files = () => ({
  caFile: certificates.path('ca.pem'),
  certFile: certificates.path('client.pem'),
  keyFile: certificates.path('client.key'),
  rejectUnauthorized: false,
});

describe('TLS Configuration', () => {
  specIt('nats_tls', 'it waits for its files, trusts its authority alone, and shows its certificate', async () => {
    const server = await startNats({ jetstream: false, config: `tls { ${tls}, verify: true }\n` });
    try {
      const sql = specSql('nats_tls', { 'nats://secure.example.com:4222': server.url, '/certs': certs.path });
      const [created] = await client.run(`${sql} CREATE PIPELINE of_tls AS SELECT n FROM nats_tls`);
      expect(created?.warnings).toEqual(
        expect.arrayContaining(
          ['ca.pem', 'client-cert.pem', 'client-key.pem'].map((file) =>
            expect.objectContaining({ code: 'missing_file', message: expect.stringContaining(file) }),
          ),
        ),
      );
      await client.stands('pipelines', 'of_tls', 'blocked', /\.pem/);
      await Promise.all([
        give('another-ca.pem', 'ca.pem'),
        give('client.pem', 'client-cert.pem'),
        give('client.key', 'client-key.pem'),
      ]);
      await client.stands('connections', 'nats_tls', 'blocked', /tls_ca_file names the authority/);
      await give('ca.pem', 'ca.pem');
      await client.stands('pipelines', 'of_tls', 'running');
      const rows = await client.collect('laminar.output.of_tls');
      const sender = await connect({ servers: server.url, tls: files() });
      sender.publish('secure.x', '{"n":1}');
      await sender.drain();
      await client.arrived(rows, 1);
      await client.systemRow(
        "SELECT tls_required FROM system.nats_server_info WHERE connection = 'nats_tls'",
        (row) => row.tls_required === 1,
      );

      const named = sql.replace('127.0.0.1', 'localhost').replace('nats_tls', 'nats_tls_named');
      await client.run(`${named} CREATE PIPELINE of_tls_named AS SELECT n FROM nats_tls_named`);
      await client.stands('connections', 'nats_tls_named', 'blocked', /use a name that the certificate is for/);
    } finally {
      await client.api.delete('/connections/nats_tls?cascade=true');
      await client.api.delete('/connections/nats_tls_named?cascade=true');
      await server.stop();
    }
  });

  specIt('nats_tls', 'a server without TLS is sent nothing, and half of a certificate is refused', async () => {
    const plain = await startNats({ jetstream: false });
    try {
      await Promise.all([
        give('ca.pem', 'ca.pem'),
        give('client.pem', 'client-cert.pem'),
        give('client.key', 'client-key.pem'),
      ]);
      const sql = specSql('nats_tls', { 'nats://secure.example.com:4222': plain.url, '/certs': certs.path });
      await client.run(`${sql} CREATE PIPELINE of_tls AS SELECT n FROM nats_tls`);
      await client.stands('connections', 'nats_tls', 'blocked', /tls/);
      const half = await client.api.post('/sql', {
        sql: sql.replace(/ *tls_key_file.*\n/, '').replace('nats_tls', 'half'),
      });
      expect(half).toMatchObject({
        status: 422,
        body: { errors: [{ detail: expect.stringContaining('tls_key_file') }] },
      });
    } finally {
      await client.api.delete('/connections/nats_tls?cascade=true');
      await plain.stop();
    }
  });
});

describe('Leafnode Connection', () => {
  specIt('nats_leaf', 'what is published at the hub is read at the leaf, by TLS', async () => {
    await give('ca.pem', 'ca.pem');
    const { hub, leaf, stop } = await startLeaf(tls, certificates.path('ca.pem'));
    try {
      const sql = specSql('nats_leaf', { 'nats://leafnode.example.com:7422': leaf.url, '/certs': certs.path });
      await client.run(`${sql} CREATE PIPELINE of_leaf AS SELECT n FROM nats_leaf`);
      await client.stands('pipelines', 'of_leaf', 'running');
      const rows = await client.collect('laminar.output.of_leaf');
      const sender = await connect({ servers: hub.url });
      await eventually(
        () => {
          // Until the leaf has told the hub of the subscription.
          sender.publish('remote.site.1', '{"n":1}');
          return rows.length > 0;
        },
        { what: 'a row' },
      );
      await sender.close();
      expect(textsOf(rows)[0]).toBe('{"n":1}');
    } finally {
      await client.api.delete('/connections/nats_leaf?cascade=true');
      await stop();
    }
  });

  specIt('nats_leaf', 'the port of leaf nodes is refused with a word of which one to take', async () => {
    const { status, body } = await client.api.post('/sql', { sql: specSql('nats_leaf', { '/certs': certs.path }) });
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([
      { detail: expect.stringMatching(/7422 is where leaf nodes connect.*client port/), position: { line: 2 } },
    ]);
  });

  specIt(
    'nats_leaf',
    'another port where leaf nodes connect is not a server for clients, which the state says',
    async () => {
      const { leafPort, stop } = await startLeaf(tls, certificates.path('ca.pem'));
      try {
        await give('ca.pem', 'ca.pem');
        const servers = `nats://127.0.0.1:${leafPort}`;
        const sql = specSql('nats_leaf', { 'nats://leafnode.example.com:7422': servers, '/certs': certs.path });
        await client.run(`${sql} CREATE PIPELINE of_leaf AS SELECT n FROM nats_leaf`);
        await client.stands('connections', 'nats_leaf', 'blocked', /cannot connect to/);
      } finally {
        await client.api.delete('/connections/nats_leaf?cascade=true');
        await stop();
      }
    },
  );
});
