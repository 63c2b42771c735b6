import { createHash } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection, nuid } from '@nats-io/nats-core';

const chunkBytesDefault = 128 * 1024;

/** Writes an object store as its clients do (NATS ADR-20): chunks on one subject, and what describes the object on another, the newest only. */
export interface ObjectStore {
  put(
    name: string,
    content: string,
    options?: { readonly metadata?: { readonly [name: string]: string }; readonly chunkBytes?: number },
  ): Promise<void>;
  delete(name: string): Promise<void>;
}

/** Makes an object store. */
export async function createObjectStore(nc: NatsConnection, bucket: string): Promise<ObjectStore> {
  const jsm = await jetstreamManager(nc);
  const js = jetstream(nc);
  await jsm.streams.add({
    name: `OBJ_${bucket}`,
    subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
    allow_rollup_hdrs: true,
  });
  const describe = async (name: string, description: object) => {
    const rollup = headers();
    rollup.set('Nats-Rollup', 'sub');
    const subject = `$O.${bucket}.M.${Buffer.from(name).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;
    await js.publish(subject, JSON.stringify({ name, bucket, ...description }), { headers: rollup });
  };
  return {
    async put(name, content, { metadata, chunkBytes = chunkBytesDefault } = {}) {
      const data = Buffer.from(content);
      const id = nuid.next();
      let chunks = 0;
      for (let at = 0; at < data.length; at += chunkBytes, chunks++)
        await js.publish(`$O.${bucket}.C.${id}`, data.subarray(at, at + chunkBytes));
      const digest = `SHA-256=${createHash('sha256').update(data).digest('base64url')}`;
      const options = { max_chunk_size: chunkBytes };
      await describe(name, { nuid: id, size: data.length, chunks, digest, options, ...(metadata ? { metadata } : {}) });
    },
    delete: (name) => describe(name, { nuid: nuid.next(), size: 0, chunks: 0, digest: '', deleted: true }),
  };
}
