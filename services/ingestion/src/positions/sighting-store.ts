import type { Position } from '@laminar/connectors';
import type { KV, KvEntry } from '@nats-io/kv';
import { isWrongLastSequence } from './wrong-last-sequence.js';

/** How far a durable was seen to have come, as it is stored, for people too. */
interface Sighting extends Pick<Position, 'source' | 'incarnation' | 'sequence'> {
  /** Tells the definition from a dropped namesake. */
  readonly definition: number;
  /** The newest among all that was to be read then: another one now means that the reading was stopped or changed meanwhile. */
  readonly revision: number;
  /** The revision of the lease under which it was seen. */
  readonly lease: number;
}

/** Under what something is seen; undefined where nothing is to be read, or no lease is held. */
export interface Circumstances {
  revision(): number | undefined;
  lease(): number | undefined;
}

/**
 * How far the durable of one definition has come, as its reader saw it last: a help for whoever finds the durable deleted, and at most as far as it came. The newer lease has the
 * last word, and what was seen before a stop or a change says nothing.
 */
export class SightingStore {
  readonly #key: string;
  /** Of the entry that was read or written last; undefined where that is not known. */
  #entry: number | undefined;
  #saved = '';

  constructor(
    readonly kv: KV,
    readonly reading: { readonly name: string; readonly incarnation: number },
  ) {
    this.#key = sightingKey(reading.name);
  }

  /** What was seen under this revision, which is where reading goes on; without one what was seen last. Throws what the bus answers. */
  async load(revision?: number): Promise<Position | undefined> {
    const sighting = readSighting(await this.kv.get(this.#key));
    if (sighting?.definition !== this.reading.incarnation) return undefined;
    if (revision !== undefined && sighting.revision !== revision) return undefined;
    const { source, incarnation, sequence } = sighting;
    return { source, incarnation, sequence, currentUntil: 0 };
  }

  /** Nothing is written where somebody knows better, or who does is not known yet. Throws what the bus answers. */
  async save({ source, incarnation, sequence }: Position, under: Circumstances): Promise<void> {
    const [revision, lease] = [under.revision(), under.lease()];
    if (revision === undefined || lease === undefined) return;
    const { incarnation: definition } = this.reading;
    const sighting: Sighting = { definition, revision, source, incarnation, sequence, lease };
    const value = JSON.stringify(sighting);
    if (value === this.#saved) return;
    if (this.#entry === undefined) {
      const entry = await this.kv.get(this.#key);
      const known = readSighting(entry);
      if (known && (known.definition > definition || (known.definition === definition && known.lease > lease))) return;
      this.#entry = entry?.revision ?? 0;
    }
    try {
      this.#entry = await this.kv.put(this.#key, value, { previousSeq: this.#entry });
      this.#saved = value;
    } catch (error) {
      this.#entry = undefined;
      // Whose it is the next one finds.
      if (!isWrongLastSequence(error)) throw error;
    }
  }

  /** Removes what was seen for this definition, and not what a namesake has seen since. Throws where somebody writes it at this moment. */
  async forget(): Promise<void> {
    const entry = await this.kv.get(this.#key);
    if (entry && readSighting(entry)?.definition === this.reading.incarnation)
      await this.kv.delete(this.#key, { previousSeq: entry.revision });
  }
}

/** No definition has a slash in its name. */
const sightingKey = (name: string): string => `durable/${name}`;

/** Undefined for none, for what was deleted, and for what somebody else has written into the bucket. */
function readSighting(entry: KvEntry | null): Sighting | undefined {
  if (entry?.operation !== 'PUT') return undefined;
  try {
    const { definition, revision, source, incarnation, sequence, lease } = entry.json<Partial<Sighting>>();
    if (typeof source !== 'string' || typeof incarnation !== 'string') return undefined;
    if (!isNatural(definition) || !isNatural(revision) || !isNatural(sequence) || !isNatural(lease)) return undefined;
    return { definition, revision, source, incarnation, sequence, lease };
  } catch {
    return undefined;
  }
}

const isNatural = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
