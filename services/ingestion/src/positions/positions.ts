import { randomUUID } from 'node:crypto';
import { ConnectorError, type Position, type PositionStore, PositionTaken } from '@laminar/connectors';
import { buckets } from '@laminar/protocol';
import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { KeptPositions } from '../desired/lineages.js';
import { type Circumstances, SightingStore } from './sighting-store.js';
import { isWrongLastSequence } from './wrong-last-sequence.js';

/** The definition that a position belongs to; `incarnation` tells it from a dropped namesake. */
interface Reading {
  readonly name: string;
  readonly incarnation: number;
}

/** A position as it is stored, for people too. */
interface Stored extends Position {
  readonly definition: number;
  /** Whoever wrote it. */
  readonly owner: string;
}

/** How far readers have come: a key per connection on the mesh's own bus. That of a reader without a durable is moved on by compare-and-set; of a durable it is what was seen last. */
export class Positions {
  #kv: KV | undefined;

  constructor(readonly options: { readonly nc: NatsConnection; readonly replicas: number }) {}

  async start(): Promise<void> {
    const { nc, replicas } = this.options;
    // Read from the leader alone: a replica that lags behind would have a new owner begin too early, and be refused.
    this.#kv = await new Kvm(nc).create(buckets.positions, { history: 1, replicas, allow_direct: false });
  }

  /** For one reader of a connection, from its start to its end. */
  of(reading: Reading): PositionStore {
    return new OwnPosition(this.#bucket(), reading);
  }

  /** For one reader of a durable, which says there how far that was seen to have come; nothing goes on from it by itself. */
  ofDurable(reading: Reading, circumstances: Circumstances): PositionStore {
    const sightings = new SightingStore(this.#bucket(), reading);
    return { load: async () => undefined, save: (position) => sightings.save(position, circumstances) };
  }

  /** What is kept of how far a definition was read. */
  kept(reading: Reading): KeptPositions {
    return {
      position: () => this.of(reading).load(),
      lastSeen: (revision) => this.#seen(reading, revision),
      seen: () => this.#seen(reading),
    };
  }

  #seen(reading: Reading, revision?: number): Promise<Position | undefined> {
    return new SightingStore(this.#bucket(), reading).load(revision).catch((error) => {
      throw unavailable(reading.name, error);
    });
  }

  /** Gives the first reader of a connection a position to begin behind, where none has begun. */
  async begin(reading: Reading, position: Position): Promise<void> {
    const store = this.of(reading);
    if ((await store.load()) !== undefined) return;
    await store.save(position).catch((error) => {
      // A reader has begun meanwhile, and knows better.
      if (!(error instanceof PositionTaken)) throw error;
    });
  }

  /** Removes what was seen of the durable of a connection that is dropped, or is read by none any more. Throws where somebody writes it at this moment. */
  async forgetDurable(reading: Reading): Promise<void> {
    await new SightingStore(this.#bucket(), reading).forget();
  }

  /** Removes what a dropped connection left, and not what a namesake has made since. Throws where somebody writes it at this moment. */
  async forget({ name, incarnation }: Reading): Promise<void> {
    const entry = await this.#bucket().get(name);
    if (entry && readStored(entry)?.definition === incarnation)
      await this.#bucket().delete(name, { previousSeq: entry.revision });
  }

  #bucket(): KV {
    if (!this.#kv) throw new Error('positions are used before they were started');
    return this.#kv;
  }
}

class OwnPosition implements PositionStore {
  /** Of the entry that was read or written last; 0 for none. */
  #revision = 0;
  readonly #owner = randomUUID();

  constructor(
    readonly kv: KV,
    readonly reading: Reading,
  ) {}

  async load(): Promise<Position | undefined> {
    const { name, incarnation } = this.reading;
    const entry = await this.kv.get(name).catch((error) => {
      throw unavailable(name, error);
    });
    this.#revision = entry?.revision ?? 0;
    const stored = entry && readStored(entry);
    return entry && stored?.definition === incarnation ? { ...stored, savedMs: entry.created.getTime() } : undefined;
  }

  async save({ source, incarnation, sequence, currentUntil }: Position): Promise<void> {
    const { name, incarnation: definition } = this.reading;
    const stored: Stored = { definition, source, incarnation, sequence, currentUntil, owner: this.#owner };
    try {
      await this.#put(name, JSON.stringify(stored));
    } catch (error) {
      throw error instanceof PositionTaken ? error : unavailable(name, error);
    }
  }

  async #put(name: string, value: string): Promise<void> {
    try {
      this.#revision = await this.kv.put(name, value, { previousSeq: this.#revision });
    } catch (error) {
      if (!isWrongLastSequence(error)) throw error;
      // It may be its own, of which the acknowledgement was lost.
      const entry = await this.kv.get(name);
      if (!entry || readStored(entry)?.owner !== this.#owner)
        throw new PositionTaken(`another reader of "${name}" has taken over; what comes is its to read`);
      this.#revision = await this.kv.put(name, value, { previousSeq: entry.revision });
    }
  }
}

const unavailable = (name: string, error: unknown): ConnectorError =>
  new ConnectorError(
    'blocked',
    `the mesh's own bus does not say or take how far "${name}" was read: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );

/** Undefined for what was deleted, and for what somebody else has written into the bucket. */
function readStored(entry: KvEntry): Stored | undefined {
  if (entry.operation !== 'PUT') return undefined;
  try {
    const { definition, source, incarnation, sequence, currentUntil, owner } = entry.json<Partial<Stored>>();
    if (typeof definition !== 'number' || typeof source !== 'string' || typeof incarnation !== 'string')
      return undefined;
    if (!isSequence(sequence) || !isSequence(currentUntil) || typeof owner !== 'string') return undefined;
    return { definition, source, incarnation, sequence, currentUntil, owner };
  } catch {
    return undefined;
  }
}

const isSequence = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
