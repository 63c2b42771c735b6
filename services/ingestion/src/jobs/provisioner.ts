import {
  type Connection,
  createConnection,
  type FileSource,
  type Lineage,
  type SecretSource,
} from '@laminar/connectors';
import { hasDurable, isPositioned } from '@laminar/definitions';
import { ApplyTrace } from '../delivery/apply-trace.js';
import type { Lineages } from '../desired/lineages.js';
import type { ConnectionSpec } from '../desired/slot.js';
import { JobLog } from '../logs/job-log.js';
import type { LogPublisher } from '../logs/log-publisher.js';
import { StandingLog } from '../logs/standing-log.js';
import type { Positions } from '../positions/positions.js';
import { asConnectorError, Backoff } from './backoff.js';
import { provisionNote } from './provision-note.js';

/** Sockets that are open for this at once. */
const concurrencyMax = 8;
/** What a dropped connection left is given up after so many attempts to delete it: about an hour of a server that is away. */
const retireAttemptsMax = 125;
const retireDelayMsMin = 250;
const retireDelayMsMax = 30_000;
/** How often it is looked whether the readers before a change have ended. */
const drainCheckMs = 100;

/** How far the stream and durable of a connection are. */
export interface Provisioned {
  readonly state: 'connecting' | 'idle' | 'blocked' | 'failed';
  readonly message: string;
  /** Of the message, what became of a durable that was missing: whoever reads by it finds it there, and would not know. */
  readonly note: string | undefined;
  readonly revision: number;
}

export interface ProvisionerOptions {
  readonly instance: string;
  readonly secrets: SecretSource;
  readonly files: FileSource;
  readonly logs: LogPublisher;
  /** Of all instances one does it. */
  isMine(connection: string): boolean;
  onReport(connection: string): void;
  readonly positions: Positions;
  readonly lineages: Lineages;
  /** An older form of the connection is still read here. */
  isDraining(spec: ConnectionSpec): boolean;
  /** Something about the stream or durable that somebody should know, also where a reader's state hides the provisioner's. */
  onNote(connection: string, note: string): void;
  /** A durable or position could not be deleted, and is not tried any more. */
  onLeftBehind(connection: string, reason: string): void;
}

interface Task {
  readonly spec: ConnectionSpec;
  /** It was defined just now, and pipelines that are defined next miss nothing that comes from now on. */
  readonly isNews: boolean;
  readonly backoff: Backoff;
  readonly log: StandingLog;
  timer: NodeJS.Timeout | undefined;
}

interface Work {
  readonly connection: string;
  do(): Promise<void>;
}

/** Makes the streams and durables that definitions ask for, also where nothing reads them yet, and deletes the durables and positions of dropped ones. */
export class Provisioner {
  readonly #wanted = new Map<string, ConnectionSpec>();
  readonly #standings = new Map<string, Provisioned>();
  readonly #tasks = new Map<string, Task>();
  /** Forms that are retired as soon as the one in their place stands. */
  readonly #outgoing = new Map<string, readonly ConnectionSpec[]>();
  /** Forms whose durable or position could not be deleted yet, by when that is tried again. */
  readonly #retrying = new Map<NodeJS.Timeout, ConnectionSpec>();
  /** The newest comes first: somebody waits for it. */
  readonly #queue: Work[] = [];
  /** Connections that something is done about now. One thing at a time: what one form makes another of the same name may delete. */
  readonly #busy = new Set<string>();
  #started = false;
  #stopped = false;

  constructor(readonly options: ProvisionerOptions) {}

  standing(connection: string): Provisioned | undefined {
    return this.#standings.get(connection);
  }

  /** A connection is defined, in this form. */
  define(spec: ConnectionSpec): void {
    if (!needsProvision(spec)) {
      this.undefine(spec.name);
      return;
    }
    this.#cancel(spec.name);
    this.#wanted.set(spec.name, spec);
    this.#consider(spec, true);
  }

  /** A connection is not defined any more. */
  undefine(connection: string): void {
    this.#cancel(connection);
    this.#wanted.delete(connection);
    this.#stand(connection, undefined);
    this.#retireOutgoing(connection);
  }

  /**
   * Deletes the durable or the position of a form of a connection that is gone, and of which nothing runs here any more: not before the form that took its place has
   * found from there where to go on.
   */
  retire(spec: ConnectionSpec): void {
    const { name, resolved } = spec;
    if (!(hasDurable(resolved) || isPositioned(resolved)) || !this.options.isMine(name)) return;
    if (this.#tasks.has(name)) this.#outgoing.set(name, [...(this.#outgoing.get(name) ?? []), spec]);
    else this.#retire(spec, 1);
  }

  /** From now on work is done: the catalog is complete. */
  start(): void {
    this.#started = true;
    this.reconsider();
  }

  /** Other instances came or went, and with them whose work it is. */
  reconsider(): void {
    for (const spec of this.#wanted.values()) this.#consider(spec, false);
  }

  stop(): void {
    this.#stopped = true;
    this.#queue.length = 0;
    for (const { timer } of this.#tasks.values()) clearTimeout(timer);
    for (const [timer, { name }] of this.#retrying) {
      clearTimeout(timer);
      this.options.onLeftBehind(name, 'the process ended before it could be tried again');
    }
    this.#retrying.clear();
  }

  #consider(spec: ConnectionSpec, isNews: boolean): void {
    if (!this.#started) return;
    const { name, revision } = spec;
    if (!this.options.isMine(name)) {
      this.#cancel(name);
      this.#stand(name, undefined);
      return;
    }
    if (this.#tasks.has(name) || this.#standings.get(name)?.revision === revision) return;
    const log = new StandingLog(new JobLog(name, this.options.logs), spec.cause);
    const backoff = new Backoff(spec.resolved, Math.random);
    const task: Task = { spec, isNews, backoff, log, timer: undefined };
    this.#tasks.set(name, task);
    this.#stand(name, { state: 'connecting', message: '', note: undefined, revision: 0 });
    this.#enqueue(name, () => this.#provision(task));
  }

  async #provision(task: Task): Promise<void> {
    const { spec, isNews } = task;
    const { name, revision, cause } = spec;
    if (this.#tasks.get(name) !== task) return;
    if (this.options.isDraining(spec)) {
      task.timer = setTimeout(() => this.#enqueue(name, () => this.#provision(task)), drainCheckMs);
      return;
    }
    const { instance } = this.options;
    const trace = ApplyTrace.begin({ kind: 'connection', name, revision, cause, instance });
    try {
      // Its durable may have been deleted because nobody reads by it; the first who does makes it again.
      const makesDurable = isNews || this.options.lineages.isShared(spec);
      const provision = await this.#withConnection(spec, (connection) =>
        makesDurable ? connection.provision() : connection.provisionStream(),
      );
      if (this.#tasks.get(name) !== task) return;
      this.#tasks.delete(name);
      const note = provisionNote(provision, spec, Date.now());
      if (note !== undefined) this.options.onNote(name, note);
      const message = [provision.drift, note].filter((part) => part !== undefined).join('; ');
      this.#stand(name, { state: 'idle', message, note, revision });
      task.log.stands('provisioned', message);
      this.#retireOutgoing(name);
      trace?.end();
    } catch (error) {
      trace?.end(error);
      if (this.#tasks.get(name) !== task || this.#stopped) return;
      const known = asConnectorError(error);
      const retry = task.backoff.after(known);
      this.#stand(name, { state: retry.state, message: known.message, note: undefined, revision: 0 });
      task.log.stands(retry.state, known.message);
      task.timer = setTimeout(() => this.#enqueue(name, () => this.#provision(task)), retry.delayMs);
    }
  }

  #retire(spec: ConnectionSpec, attempt: number): void {
    this.#enqueue(spec.name, async () => {
      try {
        if (isPositioned(spec.resolved)) await this.options.positions.forget(spec);
        else
          await this.#withConnection(spec, async (connection) => {
            await this.#keepPosition(spec, connection);
            await connection.deprovision();
            await this.#forgetDurable(spec);
          });
      } catch (error) {
        this.#retireLater(spec, attempt, error instanceof Error ? error.message : String(error));
      }
    });
  }

  #retireLater(spec: ConnectionSpec, attempt: number, reason: string): void {
    const { onLeftBehind, logs } = this.options;
    if (this.#stopped || attempt === retireAttemptsMax) {
      onLeftBehind(spec.name, reason);
      return;
    }
    if (attempt === 1)
      new JobLog(spec.name, logs).write('warn', `what its reading left cannot be deleted yet: ${reason}`);
    const delayMs = Math.min(retireDelayMsMin * 2 ** (attempt - 1), retireDelayMsMax);
    const timer = setTimeout(() => {
      this.#retrying.delete(timer);
      this.#retire(spec, attempt + 1);
    }, delayMs);
    this.#retrying.set(timer, spec);
  }

  #retireOutgoing(name: string): void {
    const outgoing = this.#outgoing.get(name) ?? [];
    this.#outgoing.delete(name);
    for (const spec of outgoing) this.#retire(spec, 1);
  }

  /** Where the connection is read without a durable from now on, its readers go on from here, also those that have not begun. */
  async #keepPosition(spec: ConnectionSpec, connection: Connection): Promise<void> {
    const { positions, lineages } = this.options;
    const now = lineages.current(spec);
    if (!now || !isPositioned(now) || this.#lineage(spec).beginsAnew()) return;
    const standing = await connection.standing();
    if (standing) await positions.begin(spec, standing);
  }

  /** What was seen of a durable in whose place another one stands is that one's to replace. */
  async #forgetDurable(spec: ConnectionSpec): Promise<void> {
    const { positions, lineages } = this.options;
    const now = lineages.current(spec);
    if (!now || !hasDurable(now)) await positions.forgetDurable(spec);
  }

  #lineage(spec: ConnectionSpec): Lineage {
    return this.options.lineages.of(spec, this.options.positions.kept(spec));
  }

  async #withConnection<T>(spec: ConnectionSpec, work: (connection: Connection) => Promise<T>): Promise<T> {
    const { name, incarnation, resolved } = spec;
    const { instance, secrets, files, logs } = this.options;
    const clientName = `laminar ${instance} provisioning ${name}`;
    const events = { onState: () => undefined, onRemark: () => undefined };
    const log = new JobLog(name, logs);
    const connection = createConnection('nats', {
      name,
      incarnation,
      resolved,
      clientName,
      secrets,
      files,
      events,
      log,
      lineage: this.#lineage(spec),
    });
    try {
      await connection.open();
      return await work(connection);
    } finally {
      await connection.close();
    }
  }

  #enqueue(connection: string, work: () => Promise<void>): void {
    if (this.#stopped) return;
    this.#queue.push({ connection, do: work });
    void this.#next();
  }

  async #next(): Promise<void> {
    if (this.#busy.size >= concurrencyMax) return;
    const index = this.#queue.findLastIndex(({ connection }) => !this.#busy.has(connection));
    const [work] = index < 0 ? [] : this.#queue.splice(index, 1);
    if (!work) return;
    this.#busy.add(work.connection);
    try {
      await work.do();
    } finally {
      this.#busy.delete(work.connection);
      void this.#next();
    }
  }

  #cancel(name: string): void {
    clearTimeout(this.#tasks.get(name)?.timer);
    this.#tasks.delete(name);
  }

  #stand(name: string, standing: Provisioned | undefined): void {
    if (standing) this.#standings.set(name, standing);
    else if (!this.#standings.delete(name)) return;
    this.options.onReport(name);
  }
}

const needsProvision = ({ resolved }: ConnectionSpec): boolean =>
  hasDurable(resolved) || ('stream' in resolved && resolved.stream !== undefined);
