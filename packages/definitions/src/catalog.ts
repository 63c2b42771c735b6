import { type Kind, kinds } from '@laminar/protocol';
import type { PipelineDefinition, Recorded, TableDefinition } from './definition.js';
import type { RecordedEvent } from './event.js';
import { evolve, isWhole } from './evolve.js';

/** A definition that cannot be read, and is therefore acted on by nobody until an event that can be replaces it. */
export interface QuarantineEntry {
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
  readonly revision: number;
  readonly reason: string;
}

const id = (kind: Kind, name: string): string => `${kind}.${name}`;

/** The fold of the event log: what is defined now. */
export class Catalog {
  /** Position of the newest event that was folded. */
  revision = 0;
  readonly quarantined = new Map<string, QuarantineEntry>();
  readonly #definitions: { [K in Kind]: Map<string, Recorded<K>> } = {
    connection: new Map(),
    table: new Map(),
    pipeline: new Map(),
    secret: new Map(),
  };
  readonly #versions = new Map<string, number>();
  /** What was last known of quarantined definitions: when they heal they are still the same ones. */
  readonly #lastKnown = new Map<string, Recorded>();
  /** Relation name to those that name it, as `kind.name`. */
  readonly #referrers = new Map<string, Map<string, { kind: Kind; name: string }>>();

  get<K extends Kind>(kind: K, name: string): Recorded<K> | undefined {
    return this.#definitions[kind].get(name);
  }

  /** Sorted by name, in code-point order. */
  list<K extends Kind>(kind: K): Recorded<K>[] {
    return [...this.#definitions[kind].values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  /** In no order; cheaper than `list`. */
  values<K extends Kind>(kind: K): Iterable<Recorded<K>> {
    return this.#definitions[kind].values();
  }

  /** How many events this kind and name has ever had. */
  version(kind: Kind, name: string): number {
    return this.#versions.get(id(kind, name)) ?? 0;
  }

  /** The connection or table of this name; they share one name space. */
  relation(name: string): Recorded<'connection'> | Recorded<'table'> | undefined {
    return this.get('connection', name) ?? this.get('table', name);
  }

  /** Tables and pipelines that name this relation, sorted by kind and name. */
  referrers(relation: string): Recorded[] {
    const entries = [...(this.#referrers.get(relation)?.entries() ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.flatMap(([, { kind, name }]) => this.get(kind, name) ?? []);
  }

  /**
   * Everything that rests on a relation, through tables too, each once; what names something comes before it. Ends also where tables name each
   * other in a circle, which no command makes but a log may hold.
   */
  dependents(relation: string): Recorded[] {
    const pipelines = new Map<string, Recorded>();
    const tables = new Map<string, Recorded>();
    const relations = [relation];
    for (const name of relations) {
      for (const referrer of this.referrers(name)) {
        if (referrer.kind === 'pipeline') pipelines.set(referrer.name, referrer);
        else if (referrer.name !== relation && !tables.has(referrer.name)) {
          tables.set(referrer.name, referrer);
          relations.push(referrer.name);
        }
      }
    }
    return [...pipelines.values(), ...[...tables.values()].reverse()];
  }

  /** Folds one event; events must come in the order of the log. */
  apply(event: RecordedEvent): void {
    const key = id(event.kind, event.name);
    this.revision = event.revision;
    this.#versions.set(key, event.version);
    const quarantine = this.quarantined.get(key);
    if (quarantine && !isWhole(event)) {
      this.quarantined.set(key, { ...quarantine, version: event.version, revision: event.revision });
      return;
    }
    const before = this.get(event.kind, event.name);
    this.#replace(event.kind, event.name, before, evolve(before ?? this.#lastKnown.get(key), event));
    this.quarantined.delete(key);
    this.#lastKnown.delete(key);
  }

  /** Takes a definition out of use, because its newest event cannot be read. */
  quarantine(entry: QuarantineEntry): void {
    this.revision = entry.revision;
    this.#versions.set(id(entry.kind, entry.name), entry.version);
    this.quarantined.set(id(entry.kind, entry.name), entry);
    const before = this.get(entry.kind, entry.name);
    if (before) this.#lastKnown.set(id(entry.kind, entry.name), before);
    this.#replace(entry.kind, entry.name, before, undefined);
  }

  /** Moves on past an entry that says nothing about any definition. */
  advance(revision: number): void {
    this.revision = revision;
  }

  /** An independent copy; what happens to one is not seen by the other. */
  clone(): Catalog {
    const copy = new Catalog();
    copy.revision = this.revision;
    for (const [key, version] of this.#versions) copy.#versions.set(key, version);
    for (const [key, entry] of this.quarantined) copy.quarantined.set(key, entry);
    for (const [key, record] of this.#lastKnown) copy.#lastKnown.set(key, record);
    for (const kind of kinds) {
      for (const record of this.values(kind)) copy.#replace(kind, record.name, undefined, record);
    }
    return copy;
  }

  #replace(kind: Kind, name: string, before: Recorded | undefined, after: Recorded | undefined): void {
    for (const relation of before ? referencesOf(before) : []) this.#referrers.get(relation)?.delete(id(kind, name));
    const definitions: Map<string, Recorded> = this.#definitions[kind];
    if (after) definitions.set(name, after);
    else definitions.delete(name);
    for (const relation of after ? referencesOf(after) : []) {
      const referrers = this.#referrers.get(relation) ?? new Map<string, { kind: Kind; name: string }>();
      referrers.set(id(kind, name), { kind, name });
      this.#referrers.set(relation, referrers);
    }
  }
}

/** The relations that a definition names. */
export function referencesOf(record: Recorded): readonly string[] {
  if (record.kind === 'table') return [(record.definition as TableDefinition).connector];
  if (record.kind !== 'pipeline') return [];
  const { reads, writes } = record.definition as PipelineDefinition;
  return writes === undefined ? reads : [...reads, writes];
}
