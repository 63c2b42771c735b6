import { type Kind, kinds } from '@laminar/protocol';
import type { FunctionDefinition, PipelineDefinition, Recorded, TableDefinition } from './definition.js';
import type { RecordedEvent } from './event.js';
import { evolve, isWhole } from './evolve.js';
import { reservedNames } from './names.js';

/** A definition that cannot be read, and is therefore acted on by nobody until an event that can be replaces it. */
export interface QuarantineEntry {
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
  readonly revision: number;
  readonly reason: string;
  /** Newer software can read it: it stands as it is, and is not to be replaced from here. */
  readonly newer: boolean;
}

/** Kinds that share their names, so that a definition which names another need not say its kind. */
export type NameSpace = 'relation' | 'function';

/** The name space in which others name a definition; undefined for kinds that no definition names so. */
export function nameSpaceOf(kind: Kind): NameSpace | undefined {
  if (kind === 'function') return 'function';
  return kind === 'connection' || kind === 'table' ? 'relation' : undefined;
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
    function: new Map(),
    secret: new Map(),
  };
  readonly #versions = new Map<string, number>();
  /** What was last known of quarantined definitions: when they heal they are still the same ones. */
  readonly #lastKnown = new Map<string, Recorded>();
  /** A name in its name space to those that name it, as `kind.name`. */
  readonly #referrers = new Map<string, Map<string, { kind: Kind; name: string }>>();

  get<K extends Kind>(kind: K, name: string): Recorded<K> | undefined {
    return this.#definitions[kind].get(name);
  }

  /** Why a definition cannot be read here, where its newest event cannot. */
  quarantineOf(kind: Kind, name: string): QuarantineEntry | undefined {
    return this.quarantined.get(id(kind, name));
  }

  /** That some definitions cannot be read here, without a name, since anybody may read it; empty where all can be. */
  get unreadable(): string[] {
    const count = this.quarantined.size;
    if (count === 0) return [];
    const what = count === 1 ? '1 definition' : `${count} definitions`;
    return [
      `${what} cannot be read by this version, which does nothing with what it cannot read; system.definitions says which, and why`,
    ];
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

  /** Definitions that name this relation or function, sorted by kind and name. */
  referrers(name: string, space: NameSpace = 'relation'): Recorded[] {
    const entries = [...(this.#referrers.get(`${space} ${name}`)?.entries() ?? [])].sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
    return entries.flatMap(([, { kind, name }]) => this.get(kind, name) ?? []);
  }

  /**
   * Everything that rests on a relation or function, through tables or functions too, each once; what names something comes before it. Ends also
   * where they name each other in a circle, which no command makes but a log may hold. Nothing rests on what is in no name space.
   */
  dependents(root: string, space: NameSpace | undefined): Recorded[] {
    if (space === undefined) return [];
    const pipelines = new Map<string, Recorded>();
    const seen = new Set([root]);
    const between: Recorded[] = [];
    const path: { readonly record: Recorded | undefined; readonly referrers: Recorded[] }[] = [];
    const enter = (name: string, record?: Recorded) =>
      path.push({ record, referrers: this.referrers(name, space).reverse() });
    for (enter(root); path.length > 0; ) {
      const { record, referrers } = path.at(-1) as (typeof path)[number];
      const referrer = referrers.pop();
      if (!referrer) {
        // All that names it stands before it.
        path.pop();
        if (record) between.push(record);
      } else if (referrer.kind === 'pipeline') pipelines.set(referrer.name, referrer);
      else if (!seen.has(referrer.name)) {
        seen.add(referrer.name);
        enter(referrer.name, referrer);
      }
    }
    return [...pipelines.values(), ...between];
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
    for (const named of before ? namesIn(before) : []) this.#referrers.get(named)?.delete(id(kind, name));
    const definitions: Map<string, Recorded> = this.#definitions[kind];
    if (after) definitions.set(name, after);
    else definitions.delete(name);
    for (const named of after ? namesIn(after) : []) {
      const referrers = this.#referrers.get(named) ?? new Map<string, { kind: Kind; name: string }>();
      referrers.set(id(kind, name), { kind, name });
      this.#referrers.set(named, referrers);
    }
  }
}

/** The relations that a definition names. */
export function referencesOf(record: Recorded): readonly string[] {
  if (record.kind === 'table') return [(record.definition as TableDefinition).connector];
  if (record.kind !== 'pipeline') return [];
  const { reads, writes } = record.definition as PipelineDefinition;
  return writes === undefined || reservedNames.has(writes) ? reads : [...reads, writes];
}

/** The functions of users that a definition names. */
export function callsOf(record: Recorded): readonly string[] {
  if (record.kind !== 'pipeline' && record.kind !== 'function') return [];
  return (record.definition as PipelineDefinition | FunctionDefinition).calls;
}

/** All that a definition names, each with its name space. */
const namesIn = (record: Recorded): string[] => [
  ...referencesOf(record).map((name) => `relation ${name}`),
  ...callsOf(record).map((name) => `function ${name}`),
];
