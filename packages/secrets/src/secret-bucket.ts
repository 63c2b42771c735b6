import { buckets } from '@laminar/protocol';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { ValueId } from './seal.js';

/** The sealed values of secrets, a key for each value: which of them counts says the event log. */
export interface SecretBucket {
  put(of: ValueId, sealed: Uint8Array): Promise<void>;
  remove(of: ValueId): Promise<void>;
}

export const keyOf = ({ name, valueId }: ValueId): string => `${name}.${valueId}`;

/** Opens the bucket, made where it is missing. */
export async function openSecretBucket(nc: NatsConnection, { replicas }: { replicas: number }): Promise<SecretBucket> {
  const kv = await secretsKv(nc, replicas);
  return {
    async put(of, sealed) {
      await kv.put(keyOf(of), sealed);
    },
    remove: (of) => kv.purge(keyOf(of)),
  };
}

export const secretsKv = (nc: NatsConnection, replicas: number): Promise<KV> =>
  new Kvm(nc).create(buckets.secrets, { history: 1, replicas });
