import type { ConsumerConfig } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/nats-core';
import type { ConnectorError } from '../contract.js';

/** How often an intake with a rate limit lets messages come, so that no message needs a timer of its own. */
export const rateTickMs = 25;

/** Gets the messages of a consumer to come in: by asking for them, or by listening. */
export interface Intake {
  /** Resolves when the server knows that messages are wanted here; `config` is the consumer's own. */
  open(config: ConsumerConfig): Promise<void>;
  /** There may be room for more. */
  replenish(): void;
  /** Makes sure that messages would still come; called about once a second while the connection is there. */
  tick(): void;
  /** The connection was away. */
  reconnected(): void;
  /** Puts off the redelivery of what came before `beforeMs` (monotonic) and is held back here. */
  keepAlive(beforeMs: number): void;
  /** Wants nothing more; resolves when what was sent here has come in, or after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/** Messages that an intake holds back, and bytes of their payloads. */
export interface HeldBack {
  readonly messages: number;
  readonly bytes: number;
}

export const nothingHeld: HeldBack = { messages: 0, bytes: 0 };

/** Where an intake puts what comes. */
export interface IntakeTarget {
  take(message: Msg): void;
  /** Whether a message has a place behind what waits, and what is held back; where it has none it is dropped, and counted. */
  admits(message: Msg, held: HeldBack): boolean;
  /** How many more messages may be asked for now, beside those that were. */
  room(asked: number): number;
  /** Whether a server that sends by itself may go on. */
  hasRoom(held: HeldBack): boolean;
  /** What the intake cannot mend. */
  fail(error: ConnectorError): void;
}
