import {
  type Catalog,
  decodeEvent,
  EventUnreadable,
  evolve,
  type PipelineDefinition,
  type Recorded,
  type RecordedEvent,
} from '@laminar/definitions';
import { BusUnavailable, type EventLog, type StoredEvent } from '@laminar/event-store';
import { formatDefinitionKey, type Kind } from '@laminar/protocol';
import { Refusal } from '../refusal.js';

/** Events read at once. */
const batchSize = 64;

/** One event of a definition, and what it left behind. */
export interface Moment {
  readonly version: number;
  readonly revision: number;
  readonly storedAtMs: number;
  /** Undefined where it cannot be read. */
  readonly event: RecordedEvent | undefined;
  /** Why it cannot be read. */
  readonly unreadable: string | undefined;
  /** Undefined where the definition was dropped, or cannot be known. */
  readonly record: Recorded | undefined;
}

/** The past of one definition, read from the event log by its keys: versions are consecutive, and none is ever lost. */
export class History {
  readonly #read = new Map<number, StoredEvent>();

  constructor(
    readonly log: EventLog,
    readonly catalog: Catalog,
    readonly kind: Kind,
    readonly name: string,
  ) {}

  /** How many versions there are. */
  get length(): number {
    return this.catalog.version(this.kind, this.name);
  }

  /** Versions `from` to `to`, both included, in order. */
  async moments(from: number, to: number): Promise<Moment[]> {
    const current = this.catalog.get(this.kind, this.name);
    // When its life began is known of what still lives, so that the event which began it need not be read.
    const living = ({ revision }: StoredEvent) => (current && revision >= current.incarnation ? current : undefined);
    const base = await this.#lastBefore(from, living(await this.#stored(from)) ? isWhole : beginsOrEndsLife);
    await this.#load(base, to);
    const moments: Moment[] = [];
    let record: Recorded | undefined;
    for (let version = base; version <= to; version++) {
      const { event, unreadable, stored } = this.#decode(version);
      // What comes after an event that cannot be read is not known until one that carries the whole definition.
      record = event && (isWhole(event) || record) ? evolve(record ?? living(stored), event) : undefined;
      if (version >= from)
        moments.push({ version, revision: stored.revision, storedAtMs: stored.storedAtMs, event, unreadable, record });
    }
    return moments;
  }

  /** The definition as it was at a version. Throws a `Refusal` where there was none. */
  async atVersion(version: number): Promise<Recorded> {
    if (version > this.length) throw this.#none(`it has ${count(this.length, 'version')}`);
    const [moment] = await this.moments(version, version);
    return this.#recordOf(moment);
  }

  /** The definition as it was at a position of the log. */
  async atRevision(revision: number): Promise<Recorded> {
    if (revision > this.catalog.revision) throw this.#none(`the event log is at revision ${this.catalog.revision}`);
    return this.#lastWhere((stored) => stored.revision <= revision, `at revision ${revision}`);
  }

  /** The definition as it was at a time, in Unix milliseconds, by the clock that decided its events. */
  async atTime(atMs: number): Promise<Recorded> {
    const timeOf = (stored: StoredEvent) => this.#decode(this.#versionOf(stored)).event?.at ?? stored.storedAtMs;
    return this.#lastWhere((stored) => timeOf(stored) <= atMs, `at ${new Date(atMs).toISOString()}`);
  }

  /** The newest version for which `holds`, which holds for all before it. */
  async #lastWhere(holds: (stored: StoredEvent) => boolean, when: string): Promise<Recorded> {
    let known = 0;
    let beyond = this.length + 1;
    while (beyond - known > 1) {
      const middle = Math.floor((known + beyond) / 2);
      if (holds(await this.#stored(middle))) known = middle;
      else beyond = middle;
    }
    if (known === 0) throw this.#none(`it did not exist yet ${when}`);
    const [moment] = await this.moments(known, known);
    return this.#recordOf(moment);
  }

  #recordOf(moment: Moment | undefined): Recorded {
    if (moment?.record) return moment.record;
    const at = `version ${moment?.version} (revision ${moment?.revision})`;
    if (moment?.unreadable !== undefined) throw this.#none(`${at} cannot be read: ${moment.unreadable}`);
    throw this.#none(
      moment?.event?.body.type.endsWith('Dropped') ? `it was dropped by ${at}` : `${at} cannot be known`,
    );
  }

  #none(why: string): Refusal {
    return new Refusal('version_not_found', `there is no such ${this.kind} "${this.name}": ${why}`);
  }

  /** The version from which folding has to begin: the nearest whose event `suffices`. */
  async #lastBefore(version: number, suffices: (event: RecordedEvent) => boolean): Promise<number> {
    for (let base = version; base > 1; base--) {
      await this.#load(Math.max(1, base - batchSize + 1), base);
      const { event } = this.#decode(base);
      if (event && suffices(event)) return base;
    }
    return 1;
  }

  async #load(from: number, to: number): Promise<void> {
    const missing = Array.from({ length: to - from + 1 }, (_, i) => from + i).filter(
      (version) => !this.#read.has(version),
    );
    while (missing.length > 0) await Promise.all(missing.splice(0, batchSize).map((version) => this.#stored(version)));
  }

  async #stored(version: number): Promise<StoredEvent> {
    const known = this.#read.get(version);
    if (known) return known;
    const key = formatDefinitionKey({ kind: this.kind, name: this.name, version });
    const stored = await this.log.read(key);
    // It was folded, so that it is there: another answer comes from a server that lags behind.
    if (!stored) throw new BusUnavailable(`the bus does not give the event ${key}; try again`);
    this.#read.set(version, stored);
    return stored;
  }

  #versionOf(stored: StoredEvent): number {
    return Number(stored.key.slice(stored.key.lastIndexOf('.') + 1));
  }

  #decode(version: number): { event: RecordedEvent | undefined; unreadable: string | undefined; stored: StoredEvent } {
    const stored = this.#read.get(version);
    if (!stored) throw new Error(`version ${version} of ${this.kind} "${this.name}" was not loaded`);
    try {
      return { event: decodeEvent(stored.key, stored.revision, stored.data), unreadable: undefined, stored };
    } catch (error) {
      if (!(error instanceof EventUnreadable)) throw error;
      return { event: undefined, unreadable: error.message, stored };
    }
  }
}

/** Says all of the definition but when its life began. */
const isWhole = ({ body }: RecordedEvent): boolean => 'definition' in body || body.type.endsWith('Dropped');

const beginsOrEndsLife = ({ body }: RecordedEvent): boolean => /(?:Created|Dropped)$/.test(body.type);

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

/** The pipeline as it was at a version, to go back to. */
export async function pipelineAt(
  log: EventLog,
  catalog: Catalog,
  name: string,
  version: number,
): Promise<PipelineDefinition> {
  const record = await new History(log, catalog, 'pipeline', name).atVersion(version);
  return record.definition as PipelineDefinition;
}
