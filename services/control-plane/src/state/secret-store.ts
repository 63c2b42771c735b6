import { randomUUID } from 'node:crypto';
import type { Recorded } from '@laminar/definitions';
import { BusUnavailable } from '@laminar/event-store';
import { type SecretBucket, sealSecret } from '@laminar/secrets';
import { drop, putSecret } from '../definitions/intent.js';
import { Refusal } from '../refusal.js';
import type { Origin } from './commands.js';
import type { Outcome } from './decision.js';
import type { Mesh } from './mesh.js';

/**
 * Stores secrets. A value goes into the bucket first, under an id of its own, and the event that follows makes it the one that counts; values are
 * never overwritten, so that writers at the same time, or one that dies in between, leave behind a value that belongs to its event.
 */
export class SecretStore {
  /** `key` has 32 bytes; undefined where there is none. */
  constructor(
    readonly mesh: Mesh,
    readonly key: Uint8Array | undefined,
  ) {}

  /** Throws a `Refusal` without a key, and `BusUnavailable`. */
  async put(name: string, value: string, origin: Origin): Promise<Outcome> {
    if (!this.key) {
      const message =
        'LAMINAR_SECRETS_KEY is not set for this control plane, so that it cannot encrypt secrets; set it to 32 bytes as base64, the same for every control plane and ingestion process';
      throw new Refusal('secrets_unavailable', message);
    }
    const bucket = this.mesh.secrets;
    const valueId = randomUUID();
    const sealed = sealSecret(this.key, { name, valueId }, value);
    await onBus('stored', () => bucket.put({ name, valueId }, sealed));
    const outcome = await this.mesh.execute(putSecret(name, valueId), origin);
    await this.#forget(outcome, bucket);
    return outcome;
  }

  /** Throws `DefinitionRejected` where there is none, and `BusUnavailable`. */
  async drop(name: string, origin: Origin): Promise<Outcome> {
    const bucket = this.mesh.secrets;
    const outcome = await this.mesh.execute(drop('secret', name), origin);
    await this.#forget(outcome, bucket);
    return outcome;
  }

  /** What does not count any more need not be kept. The event says so already, so that a failure here is no failure of the request. */
  async #forget({ name, before }: Outcome, bucket: SecretBucket): Promise<void> {
    if (!before) return;
    const { valueId } = (before as Recorded<'secret'>).definition;
    try {
      await onBus('removed', () => bucket.remove({ name, valueId }));
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
      this.mesh.options.logger.warn(
        { secret: name, err: error },
        'an old value of a secret stays in the bucket, sealed',
      );
    }
  }
}

async function onBus(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BusUnavailable(`the value could not be ${what}: ${why}`, { cause: error });
  }
}
