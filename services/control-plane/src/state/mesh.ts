import { Catalog, foldStoredEvent } from '@laminar/definitions';
import { BusUnavailable, type EventLog, type LogSubscription, openEventLog } from '@laminar/event-store';
import { buckets } from '@laminar/protocol';
import {
  announceService,
  busReplicas,
  type DefinitionFiles,
  type Health,
  type Logger,
  type Retrying,
  retried,
} from '@laminar/runtime';
import { openSecretBucket, type SecretBucket } from '@laminar/secrets';
import { StatusBoard } from '@laminar/status';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Intent } from '../definitions/intent.js';
import { StreamCheck } from '../definitions/stream-check.js';
import { testConnection } from '../live/connection-test.js';
import { askServerVersions } from '../live/server-versions.js';
import { Refusal } from '../refusal.js';
import { busDurability } from './bus-durability.js';
import { Changes } from './changes.js';
import { Commands, type Origin } from './commands.js';
import { type Outcome, rehearse } from './decision.js';
import { lookOutside, type Outside } from './outside.js';
import { ownBusOf } from './own-bus.js';

/** After that long without having caught up again, readiness says how far it came. */
const catchUpTimeoutMs = 10_000;
const durabilityIntervalMs = 10_000;

export interface MeshOptions {
  /** Resolves once there is a connection, however long that takes. */
  connect(): Promise<NatsConnection>;
  readonly instance: string;
  /** JetStream replicas of what is made on the bus; undefined leaves it to `busReplicas`. */
  readonly replicas: number | undefined;
  /** Files that definitions name are looked at as far as they can be read here. */
  readonly files: DefinitionFiles;
  readonly health: Health;
  readonly logger: Logger;
}

interface Opened {
  readonly nc: NatsConnection;
  readonly log: EventLog;
  readonly secrets: SecretBucket;
  readonly subscription: LogSubscription;
  readonly board: StatusBoard;
  readonly commands: Commands;
}

/**
 * What this replica knows of the mesh: the fold of the event log and what the instances report, kept up to date from the
 * bus. It exists before the bus does, and outlives its absences.
 */
export class Mesh {
  readonly catalog = new Catalog();
  /** Something was folded or reported. */
  readonly changes = new Changes();
  readonly #streams = new StreamCheck(async (test) => testConnection(this.connection, test));
  #nc: NatsConnection | undefined;
  #opened: Opened | undefined;
  #durability: readonly string[] = [];
  #durabilityTimer: NodeJS.Timeout | undefined;
  #connected = false;
  #closed = false;

  constructor(readonly options: MeshOptions) {
    options.health.set('bus', 'the bus is not connected yet');
    options.health.set('log', 'the event log has not been replayed yet');
  }

  /** Connects and catches up, in the background. */
  start(): void {
    this.#open().catch((error) => {
      // What a stop interrupts is no failure; anything else ends the process with its reason.
      if (!this.#closed) throw error;
    });
  }

  /** Throws a `Refusal` before the event log was replayed. */
  get board(): StatusBoard {
    return this.#ready().board;
  }

  /** The event log. Throws a `Refusal` before it was replayed; reading it throws `BusUnavailable` while the bus is away. */
  get log(): EventLog {
    const { log } = this.#ready();
    this.#checkBus();
    return log;
  }

  /** The bucket of secrets. Throws like `log`. */
  get secrets(): SecretBucket {
    const { secrets } = this.#ready();
    this.#checkBus();
    return secrets;
  }

  get connection(): NatsConnection {
    const { nc } = this.#ready();
    this.#checkBus();
    return nc;
  }

  /** What every answer about definitions waits for: throws a `Refusal` before the event log was replayed. */
  checkCaughtUp(): void {
    this.#ready();
  }

  async execute(intent: Intent, origin: Origin): Promise<Outcome> {
    const { commands } = this.#ready();
    const warnings = await lookOutside(intent, this.catalog, this.#outside);
    return { ...(await commands.execute(intent, origin)), warnings };
  }

  /** Carries an intent out in `catalog` alone, which writes nothing anywhere else. */
  async rehearse(intent: Intent, catalog: Catalog): Promise<Outcome> {
    const warnings = await lookOutside(intent, catalog, this.#outside);
    return { ...rehearse(intent, catalog, ownBusOf(this.#ready().nc), Date.now()), warnings };
  }

  /** What definitions stand on beside the catalog. */
  get #outside(): Outside {
    return {
      files: this.options.files,
      versionsOf: async (servers) => askServerVersions(this.connection, servers),
      streams: this.#streams,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#durabilityTimer);
    this.#opened?.board.stop();
    await this.#opened?.subscription.close();
    await this.#nc?.close();
  }

  async #open(): Promise<void> {
    const { options, catalog, changes } = this;
    const nc = await options.connect();
    this.#nc = nc;
    void this.#follow(nc);
    const waiting = this.#waiting(nc);
    const replicas = busReplicas(nc, options.replicas);
    const log = await retried(waiting, 'the event log cannot be opened', () =>
      openEventLog(nc, { bucket: buckets.definitions, replicas }),
    );
    const secrets = await retried(waiting, 'the bucket of secrets cannot be opened', () =>
      openSecretBucket(nc, { replicas }),
    );
    const subscription = await retried(waiting, 'the event log cannot be read', () =>
      log.subscribe((event) => {
        // An attempt to subscribe that failed half way may have handed over the beginning.
        if (event.revision <= catalog.revision) return;
        if (!foldStoredEvent(catalog, event)) {
          options.logger.warn({ key: event.key, revision: event.revision }, 'an event of the log cannot be read');
        }
        options.health.warn('definitions', catalog.unreadable);
        changes.notify();
      }),
    );
    const board = new StatusBoard({
      nc,
      onChange: () => changes.notify(),
      onUnreadable: (subject, reason) => options.logger.warn({ subject, reason }, 'a status cannot be read'),
    });
    await retried(waiting, 'the status of the instances cannot be followed', () => board.start());
    await subscription.caughtUp;
    const commands = new Commands({
      catalog,
      log,
      subscription,
      bus: () => ownBusOf(nc),
      checkBus: () => this.#checkBus(),
    });
    this.#opened = { nc, log, secrets, subscription, board, commands };
    await retried(waiting, 'the service cannot be announced on the bus', () =>
      announceService(nc, {
        name: 'laminar-control-plane',
        description: 'REST API of definitions',
        instance: options.instance,
      }),
    );
    options.health.set('log', undefined);
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    void this.#reportDurability(jsm, replicas);
    this.#durabilityTimer = setInterval(() => void this.#reportDurability(jsm, replicas), durabilityIntervalMs);
  }

  /** Says in the readiness, and where it changed in the log, how well the bus keeps what is the mesh's. */
  async #reportDurability(jsm: JetStreamManager, replicas: number): Promise<void> {
    const { health, logger } = this.options;
    try {
      const found = await busDurability(jsm, replicas);
      for (const warning of found) if (!this.#durability.includes(warning)) logger.warn(warning);
      this.#durability = found;
      health.warn('durability', found);
    } catch (error) {
      // Readiness says where the bus is away; what was found before may still hold.
      logger.debug({ err: error }, 'the streams of the bus cannot be looked at');
    }
  }

  /** Keeps what the bus's connection says of itself. */
  async #follow(nc: NatsConnection): Promise<void> {
    const { health, logger } = this.options;
    const connected = (is: boolean) => {
      this.#connected = is;
      health.set('bus', is ? undefined : 'the bus is away');
    };
    connected(true);
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') {
        connected(false);
        if (!this.#closed) logger.warn('the bus is away');
      } else if (status.type === 'reconnect') {
        connected(true);
        logger.info('the bus is back');
        void this.#catchUpAgain();
      } else if (status.type === 'error') logger.warn({ err: status.error }, 'the bus reports an error');
    }
  }

  /** After an absence others may have written: not ready again before that is folded. */
  async #catchUpAgain(): Promise<void> {
    const { health, logger } = this.options;
    // Before the first replay readiness waits for that.
    if (!this.#opened) return;
    const { nc, log, subscription } = this.#opened;
    const waiting = this.#waiting(nc);
    health.set('log', 'catching up with the event log after an absence of the bus');
    const last = await retried(waiting, 'the event log cannot be read', () => log.lastRevision());
    if (last < subscription.revision) {
      const reason = `the bus has lost events: its log ends at revision ${last}, and revision ${subscription.revision} was read from it; restart this service to follow what is left`;
      logger.error(reason);
      health.set('log', reason);
      return;
    }
    await retried(waiting, 'the event log is not read on', () => subscription.reached(last, catchUpTimeoutMs));
    health.set('log', undefined);
  }

  /** How what the bus does not give yet is waited for. */
  #waiting(nc: NatsConnection): Retrying {
    const { health, logger } = this.options;
    return { nc, health, logger, part: 'log', isOver: () => this.#closed };
  }

  #ready(): Opened {
    if (this.#opened) return this.#opened;
    const reason = this.options.health.reason ?? 'the event log has not been replayed yet';
    throw new Refusal('not_ready', `the service is not ready: ${reason}`, { headers: { 'retry-after': '1' } });
  }

  #checkBus(): void {
    if (!this.#connected) throw new BusUnavailable('the bus is away; try again when it is back');
  }
}
