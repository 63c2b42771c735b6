import {
  type Connection,
  type ConnectionLog,
  ConnectorError,
  createConnection,
  type FileSource,
  type Lineage,
  NotPermitted,
  noLineage,
  PositionMemory,
  type SecretSource,
  Unprepared,
} from '@laminar/connectors';
import type { ConnectionSpec } from '../desired/slot.js';
import { StandingLog } from '../logs/standing-log.js';
import { asConnectorError, Backoff, Halted, type Retry } from './backoff.js';
import { provisionNote } from './provision-note.js';

/** How a connection stands, as its reports say it. */
export interface ConnectionStanding {
  readonly state: 'connecting' | 'connected' | 'reconnecting' | 'blocked' | 'failed';
  readonly message: string;
}

export interface ConnectionLoopOptions {
  readonly spec: ConnectionSpec;
  /** Shown by the server as the client's name. */
  readonly clientName: string;
  readonly secrets: SecretSource;
  readonly files: FileSource;
  readonly log: ConnectionLog;
  /** Of a source. */
  readonly lineage?: Lineage;
  /**
   * Uses the open connection, whose stream and durable stand, and resolves when the loop was stopped. `inUse` is called once it is in full use.
   * `lost` is aborted with a `ConnectorError` as its reason where the connection does not come back by itself; `use` must then throw that.
   * Throws `ConnectorError` for whatever it cannot mend; it is then used again, later: at once where something changed (`wake`) that was not in effect yet (`settle`).
   */
  use(connection: Connection, lost: AbortSignal, inUse: () => void): Promise<void>;
  onStanding(): void;
}

/** Keeps one definition's socket open and in use, however often it fails, and says how it stands. */
export class ConnectionLoop {
  #standing: ConnectionStanding = { state: 'connecting', message: '' };
  #connection: Connection | undefined;
  #drift: string | undefined;
  /** What happened to what is read since the connection was opened. */
  #remark: string | undefined;
  /** What whoever is in `use` waits for before it is in full use, where that may not come soon. */
  #waitsFor: string | undefined;
  /** How far the connections before this one have read. */
  readonly #memory = new PositionMemory();
  #lastError: string | undefined;
  #stopped = false;
  #running: Promise<void> | undefined;
  /** Something changed that a failure of now may not know of. */
  #woken = false;
  #endWait: () => void = () => undefined;

  readonly #standingLog: StandingLog;

  constructor(readonly options: ConnectionLoopOptions) {
    this.#standingLog = new StandingLog(options.log, options.spec.cause);
  }

  get standing(): ConnectionStanding {
    return this.#standing;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** What went wrong last, on the socket of now or on one before it; it stands when all is well again. */
  get lastError(): string | undefined {
    return this.#connection?.snapshot().lastError ?? this.#lastError;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Tries again now where it waits to, and after the attempt that is under way, which may know an old state of things. */
  wake(): void {
    this.#woken = true;
    this.#endWait();
  }

  /** What changed so far is in effect in the use that is under way: where that fails, nothing is to be gained from trying again at once. */
  settle(): void {
    this.#woken = false;
  }

  /**
   * Of a connection that is not in full use yet: why not, where that is no matter of its own and may last, such as a sink that cannot be reached. Its socket is open and its stream and durable
   * stand, so that it is connected. Undefined where nothing of that kind keeps it.
   */
  waitsFor(reason: string | undefined): void {
    const { state } = this.#standing;
    if (reason === this.#waitsFor) return;
    this.#waitsFor = reason;
    if (state !== 'connecting' && state !== 'connected') return;
    if (reason === undefined) this.#stand('connecting', '');
    else this.#stand('connected', this.#notes());
  }

  /** The same as `wake`, where something came that the next attempt may need, such as a secret: what it knew so far does not stand any more. */
  retry(): void {
    const { state } = this.#standing;
    if (state === 'blocked' || state === 'failed') {
      this.#standing = { state: 'connecting', message: '' };
      this.options.onStanding();
    }
    this.wake();
  }

  /** Ends the waiting between attempts; whoever is in `use` must end it. Resolves when the socket is closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endWait();
    await this.#running;
    this.#standingLog.stands('closed', '');
  }

  async #run(): Promise<void> {
    const backoff = new Backoff(this.options.spec.resolved, Math.random);
    while (!this.#stopped) {
      this.#woken = false;
      const retry = await this.#attempt(backoff);
      if (retry && !this.#stopped && !this.#woken) await this.#wait(retry.delayMs);
    }
  }

  async #attempt(backoff: Backoff): Promise<Retry | undefined> {
    const lost = new AbortController();
    this.#waitsFor = undefined;
    const { name, incarnation, resolved } = this.options.spec;
    const connection = createConnection('nats', {
      name,
      incarnation,
      resolved,
      clientName: this.options.clientName,
      secrets: this.options.secrets,
      files: this.options.files,
      log: this.options.log,
      events: {
        onState: (state) => {
          if (state.state === 'connected') this.#stand('connected', this.#notes());
          else if (state.state === 'reconnecting') this.#stand('reconnecting', state.reason);
          else lost.abort(state.error);
        },
        onRemark: (remark) => {
          this.#remark = remark;
          if (this.#standing.state === 'connected') this.#stand('connected', this.#notes());
        },
      },
      memory: this.#memory,
      lineage: this.options.lineage ?? noLineage,
    });
    this.#connection = connection;
    let dialled = false;
    try {
      await connection.open();
      dialled = true;
      const provision = await connection.provision();
      this.#drift = provision.drift;
      this.#remark = provisionNote(provision, this.options.spec, Date.now());
      await this.options.use(connection, lost.signal, () => {
        backoff.works();
        this.#waitsFor = undefined;
        this.#stand('connected', this.#notes());
      });
      return undefined;
    } catch (error) {
      const known = asConnectorError(error);
      const wasDialling = !dialled && !(known instanceof Unprepared || known instanceof NotPermitted);
      const retry = wasDialling ? backoff.afterDial() : backoff.after(known);
      this.#stand(retry.state, known.message, loggable(error));
      return retry;
    } finally {
      await connection.close();
      this.#connection = undefined;
    }
  }

  #notes(): string {
    return [this.#drift, this.#remark, this.#waitsFor].filter((note) => note !== undefined).join('; ');
  }

  /** `logged` is what the log says instead of a message that may quote payloads. */
  #stand(state: ConnectionStanding['state'], message: string, logged = message): void {
    if (this.#standing.state === state && this.#standing.message === message) return;
    this.#standing = { state, message };
    if (state === 'reconnecting' || state === 'blocked' || state === 'failed') this.#lastError = message;
    this.#standingLog.stands(state, logged);
    this.options.onStanding();
  }

  async #wait(delayMs: number | undefined): Promise<void> {
    if (this.#woken) return;
    await new Promise<void>((resolve) => {
      const timer = delayMs === undefined ? undefined : setTimeout(resolve, delayMs);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function loggable(error: unknown): string {
  if (error instanceof Halted) return "stopped by on_error = 'stop'; the connection's status says why";
  return error instanceof ConnectorError ? error.message : "an unexpected error; the connection's status says which";
}
