import type { Lineages } from '../desired/lineages.js';
import { ownerOf, type SlotSpec } from '../desired/slot.js';
import type { Circumstances } from '../positions/sighting-store.js';

export interface SlotCircumstancesOptions {
  readonly lineages: Lineages;
  /** The revision of the lease under which a slot runs, while it is held. */
  leaseOf(key: string): number | undefined;
}

/** Under what a slot sees how far its durable has come. */
export class SlotCircumstances implements Circumstances {
  #revision: number | undefined;
  /** The state of the log that `#revision` is of: what stands on a connection may be much. */
  #at: number | undefined;
  #frozen = false;

  constructor(
    readonly spec: () => SlotSpec,
    readonly options: SlotCircumstancesOptions,
  ) {}

  revision(): number | undefined {
    const { lineages } = this.options;
    const at = lineages.catalog.revision;
    if (this.#frozen || at === this.#at) return this.#revision;
    const spec = this.spec();
    this.#at = at;
    this.#revision = lineages.readingRevision(spec.connection, ownerOf(spec)?.name);
    return this.#revision;
  }

  lease(): number | undefined {
    return this.options.leaseOf(this.spec().key);
  }

  /** The slot begins to stop: what is started from now on begins where it finds to, whatever is still seen here. */
  freeze(): void {
    this.revision();
    this.#frozen = true;
  }
}
