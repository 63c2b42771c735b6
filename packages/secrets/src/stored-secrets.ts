import type { KvWatchEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { SecretFinding } from './find.js';
import { openSecret, SealBroken } from './seal.js';
import { keyOf, secretsKv } from './secret-bucket.js';

/** A value comes by another way than its event: one that is later than that by so much is not waited for. */
const arrivalMsMax = 2000;

export interface StoredSecretsOptions {
  readonly nc: NatsConnection;
  readonly replicas: number;
  /** 32 bytes; undefined where this process was given none. */
  readonly key: Uint8Array | undefined;
  /** Which value of a secret counts, by the event log; undefined where the secret is not stored. */
  valueIdOf(name: string): string | undefined;
  /** The values of a secret changed. */
  onChange(name: string): void;
}

/** The stored secrets as they are now, followed on the bus. They are kept sealed, and opened one at a time for whoever connects. */
export class StoredSecrets {
  readonly #sealed = new Map<string, Uint8Array>();
  /** Who waits for a value, by its key. */
  readonly #arrivals = new Map<string, { readonly value: Promise<void>; readonly end: () => void }>();
  #watch: { stop(): void } | undefined;

  constructor(readonly options: StoredSecretsOptions) {}

  /** Resolves when everything that is stored is known. */
  async start(): Promise<void> {
    const kv = await secretsKv(this.options.nc, this.options.replicas);
    let caughtUp: () => void = () => undefined;
    const initialized = new Promise<void>((resolve) => {
      caughtUp = resolve;
    });
    const { values } = await kv.status();
    const watch = await kv.watch();
    this.#watch = watch;
    void this.#follow(watch, caughtUp);
    // A watch of an empty bucket yields nothing.
    if (values > 0) await initialized;
  }

  /** Undefined where no secret of this name is stored. */
  find(name: string): SecretFinding | undefined {
    const { key, valueIdOf } = this.options;
    const valueId = valueIdOf(name);
    if (valueId === undefined) return undefined;
    if (!key) return { problem: `the secret "${name}" is stored, but LAMINAR_SECRETS_KEY is not set for this process` };
    const sealed = this.#sealed.get(keyOf({ name, valueId }));
    if (!sealed) return { problem: `the secret "${name}" is stored, but its value has not arrived` };
    try {
      return { value: openSecret(key, { name, valueId }, sealed) };
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      return {
        problem: `the secret "${name}" cannot be opened by LAMINAR_SECRETS_KEY: ${error.message}; store it again`,
      };
    }
  }

  /** Resolves when the value that counts has arrived, or is not waited for any more; undefined where it is here, or nothing is stored. */
  arrival(name: string): Promise<void> | undefined {
    const valueId = this.options.valueIdOf(name);
    const key = valueId === undefined ? undefined : keyOf({ name, valueId });
    if (key === undefined || this.#sealed.has(key)) return undefined;
    const arrival = this.#arrivals.get(key) ?? this.#await(key);
    return arrival.value;
  }

  stop(): void {
    this.#watch?.stop();
    for (const { end } of this.#arrivals.values()) end();
  }

  #await(key: string): { readonly value: Promise<void>; readonly end: () => void } {
    let resolve: () => void = () => undefined;
    const value = new Promise<void>((done) => {
      resolve = done;
    });
    const end = () => {
      clearTimeout(timer);
      this.#arrivals.delete(key);
      resolve();
    };
    const timer = setTimeout(end, arrivalMsMax);
    const arrival = { value, end };
    this.#arrivals.set(key, arrival);
    return arrival;
  }

  async #follow(watch: AsyncIterable<KvWatchEntry>, caughtUp: () => void): Promise<void> {
    for await (const { key, operation, value, delta } of watch) {
      if (operation === 'PUT') this.#sealed.set(key, value);
      else this.#sealed.delete(key);
      if (delta === 0) caughtUp();
      this.options.onChange(key.slice(0, key.indexOf('.')));
      this.#arrivals.get(key)?.end();
    }
  }
}
