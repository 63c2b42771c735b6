import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TemporaryDirectory, temporaryDirectory } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IngestionMesh } from './testing/ingestion-mesh.js';

let directory: TemporaryDirectory;
let mesh: IngestionMesh;
let allowed: string;

beforeAll(async () => {
  directory = await temporaryDirectory('descriptors');
  allowed = join(directory.path, 'allowed');
  await mkdir(allowed);
  mesh = await IngestionMesh.start({ env: { LAMINAR_FILES_DIRS: allowed } });
});
afterAll(async () => {
  await mesh?.stop();
  await directory?.remove();
});

/** A descriptor set with the one message `M`, field by field as protobuf writes it: file 1 { name 1, message 4 { name 1 }, syntax 12 }. */
const descriptor = Buffer.concat([
  Buffer.from([0x0a, 22]),
  Buffer.from('\n\u0007m.proto"\u0003\n\u0001Mb\u0006proto3'),
]);

describe('a descriptor', () => {
  it('is read from the allowed folders alone, whoever wrote the definition; the state says why not, and heals', async () => {
    const outside = join(directory.path, 'outside.desc');
    await writeFile(outside, descriptor);
    const link = join(allowed, 'link.desc');
    await symlink(outside, link);
    const options = { type: 'source', subject: 'p.in', format: 'protobuf', protobuf_message: 'M' };
    await mesh.pipeline('reads', 'SELECT * FROM proto');
    for (const [path, reason] of [
      [outside, 'LAMINAR_FILES_DIRS'],
      [link, 'LAMINAR_FILES_DIRS'],
      [allowed, 'is no file'],
      [join(allowed, 'none.desc'), 'there is no file'],
    ] as const) {
      await mesh.connection('proto', { ...options, protobuf_descriptor: path });
      const state = await mesh.settled('reads', 'blocked');
      expect(state.message).toContain(reason);
    }
    await rm(link);
    await mesh.connection('proto', { ...options, protobuf_descriptor: link });
    await mesh.settled('reads', 'blocked');
    await writeFile(link, descriptor);
    await mesh.settled('reads', 'running');
  });
});

describe('a file of TLS', () => {
  it('is read from the allowed folders alone, too', async () => {
    const outside = join(directory.path, 'ca.pem');
    await writeFile(outside, 'a certificate');
    await mesh.connection('secure', {
      type: 'source',
      subject: 's.in',
      format: 'json',
      tls_required: true,
      tls_ca_file: outside,
    });
    await mesh.pipeline('securely', 'SELECT n FROM secure');
    const { message } = await mesh.settled('securely', 'blocked');
    expect(message).toContain('tls_ca_file');
    expect(message).toContain('LAMINAR_FILES_DIRS');
    expect(message).not.toContain('a certificate');
  });
});
