import type { FileSource, SecretSource, Sink } from '@laminar/connectors';
import type { CounterRegistry } from '../delivery/counters.js';
import type { ConnectionSpec } from '../desired/slot.js';
import type { LogPublisher } from '../logs/log-publisher.js';
import { type RowTarget, SharedSink } from './shared-sink.js';

export interface SinkPoolOptions {
  /** Takes the rows of pipelines without a sink of their own. */
  readonly busSink: Sink;
  readonly clientName: string;
  readonly secrets: SecretSource;
  readonly files: FileSource;
  readonly logs: LogPublisher;
  readonly counters: CounterRegistry;
  /** Something about the sink connection of this name changed. */
  onChange(connection: string): void;
}

/** The sinks that this process writes to, one socket for each, open as long as somebody uses them. */
export class SinkPool {
  readonly #sinks = new Map<string, { readonly shared: SharedSink; readonly users: Set<object> }>();
  readonly #closing = new Set<Promise<void>>();
  /** By user, the end of what may still have rows of it. */
  readonly #ending = new WeakMap<object, Promise<void>>();
  readonly #bus: RowTarget;

  constructor(readonly options: SinkPoolOptions) {
    const { busSink } = options;
    this.#bus = {
      sink: busSink,
      opening: false,
      get problem() {
        return busSink.problem;
      },
    };
  }

  /** The sink of a connection for this user, opened where it is not; without a connection the mesh's own bus. Idempotent per user. */
  acquire(spec: ConnectionSpec | undefined, user: object): RowTarget {
    if (!spec) return this.#bus;
    const key = keyOf(spec);
    const known = this.#sinks.get(key);
    if (known) {
      known.users.add(user);
      return known.shared;
    }
    const { clientName, secrets, files, logs, onChange } = this.options;
    const shared = new SharedSink({
      spec,
      clientName,
      secrets,
      files,
      logs,
      counters: this.options.counters.connection(spec.name, spec.incarnation),
      onChange: () => onChange(spec.name),
    });
    this.#sinks.set(key, { shared, users: new Set([user]) });
    return shared;
  }

  /**
   * The user keeps only the sinks of these connections. What nobody uses is closed, and from what others use, too, the user's rows are withdrawn that are not confirmed: whoever takes over what they were made of
   * publishes them again. Resolves when that, and what it let go of before, stores no rows any more.
   */
  async retain(user: object, specs: readonly (ConnectionSpec | undefined)[]): Promise<void> {
    const kept = new Set(specs.map((spec) => spec && keyOf(spec)));
    const ending: (Promise<void> | undefined)[] = [this.#ending.get(user)];
    for (const [key, { shared, users }] of this.#sinks) {
      if (kept.has(key) || !users.delete(user)) continue;
      if (users.size > 0) {
        shared.sink?.withdraw?.(user);
        continue;
      }
      this.#sinks.delete(key);
      // One that is not open may dial for long, and has nothing.
      const hasRows = shared.sink !== undefined;
      const closing = shared.close().finally(() => {
        this.#closing.delete(closing);
        this.options.onChange(shared.spec.name);
      });
      this.#closing.add(closing);
      if (hasRows) ending.push(closing);
    }
    const end = Promise.all(ending).then(() => undefined);
    this.#ending.set(user, end);
    await end;
  }

  /** Every sink that is in use. */
  *values(): Iterable<SharedSink> {
    for (const { shared } of this.#sinks.values()) yield shared;
  }

  /** By connection, of any revision. */
  find(connection: string): SharedSink | undefined {
    for (const shared of this.values()) if (shared.spec.name === connection) return shared;
    return undefined;
  }

  /** Resolves when everything that was let go of is closed. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }
}

const keyOf = ({ name, revision, soleWriter = '' }: ConnectionSpec): string => `${name}@${revision} ${soleWriter}`;
