import { busReplicas, type Config, connectBus, type Health, type Logger } from '@laminar/runtime';
import type { NatsConnection } from '@nats-io/nats-core';
import type { SystemDatabase } from '../database.js';
import type { LogStore } from '../logs/log-store.js';
import { MeshView } from './mesh-view.js';

/** A bus whose JetStream does not answer yet is asked again after that long. */
const retryMs = 500;

export interface MeshOptions {
  readonly config: Config;
  readonly health: Health;
  readonly logger: Logger;
  readonly database: SystemDatabase;
  readonly logs: LogStore;
  /** Called once, with the connection as soon as there is one. */
  onConnected(nc: NatsConnection): Promise<void>;
}

/** Follows the mesh's bus for ever, through its absences, and says in `health` what it waits for. */
export class Mesh {
  #nc: NatsConnection | undefined;
  #view: MeshView | undefined;
  #caughtUp = false;
  #stopped = false;

  constructor(readonly options: MeshOptions) {}

  /** Says whether the tables hold everything that the bus holds, or held before it went away. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  get rowsTouched(): number {
    return this.#view?.rowsTouched ?? 0;
  }

  /** Runs until `stop`. Throws what cannot be mended by waiting. */
  async run(): Promise<void> {
    const { config, health, onConnected } = this.options;
    health.set('bus', 'the bus cannot be reached');
    health.set('mesh', 'the event log and the metrics have not been read yet');
    const nc = await connectBus(config.bus, config.instance);
    this.#nc = nc;
    health.set('bus', undefined);
    void this.#watchConnection(nc);
    void nc.closed().then((error) => {
      // It is made to reconnect for ever; without it nothing is left to do.
      if (!this.#stopped) throw error ?? new Error('the connection to the bus was closed');
    });
    await onConnected(nc);
    while (!this.#stopped) {
      const view = await this.#open(nc);
      if (!view) return;
      this.#caughtUp = true;
      health.set('mesh', undefined);
      await view.replaced;
      this.#caughtUp = false;
      health.set('mesh', 'the bus holds another event log than before, which is being read');
      await view.stop();
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#view?.stop();
    await this.#nc?.close();
  }

  /** A view that has caught up; undefined after `stop`. */
  async #open(nc: NatsConnection): Promise<MeshView | undefined> {
    const { config, health, logger, database, logs } = this.options;
    while (!this.#stopped) {
      try {
        this.#view = new MeshView({
          nc,
          replicas: busReplicas(nc, config.replicas),
          database,
          logs,
          logger,
          onDatabase: (reason) => health.set('database', reason),
          onUnreadable: (warnings) => health.warn('definitions', warnings),
        });
        await this.#view.start();
        return this.#view;
      } catch (error) {
        if (this.#stopped) break;
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ reason }, 'the tables cannot be filled yet');
        health.set('mesh', `the tables cannot be filled from the bus: ${reason}`);
        await this.#view?.stop();
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
    return undefined;
  }

  async #watchConnection(nc: NatsConnection): Promise<void> {
    const { health, logger } = this.options;
    for await (const { type } of nc.status()) {
      if (type === 'disconnect') {
        health.set('bus', 'the bus is away');
        logger.warn('the bus is away');
      }
      if (type === 'reconnect') {
        health.set('bus', undefined);
        logger.info('the bus is back');
        void this.#view?.checkLog();
      }
    }
  }
}
