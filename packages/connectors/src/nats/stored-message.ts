import type { Message } from '@laminar/codecs';
import type { StoredMsg } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/nats-core';
import { timestampMsOf } from './timestamp.js';

/** A message that was taken out of its stream by its sequence, instead of being delivered. */
export class StoredMessage implements Message {
  readonly reply = undefined;

  constructor(
    readonly stored: StoredMsg,
    readonly stream: string,
    readonly consumer: string,
    /** How often it was delivered before. */
    readonly delivered: number,
  ) {}

  get data(): Uint8Array {
    return this.stored.data;
  }
  get subject(): string {
    return this.stored.subject;
  }
  get sequence(): number {
    return this.stored.seq;
  }
  get timestampMs(): number {
    return timestampMsOf(this.stored.timestamp);
  }
  headers(): { [name: string]: string[] } | undefined {
    const headers = this.#headers();
    const names = headers?.keys() ?? [];
    return headers && names.length > 0
      ? Object.fromEntries(names.map((name) => [name, headers.values(name)]))
      : undefined;
  }
  header(name: string): string | undefined {
    return this.#headers()?.get(name) || undefined;
  }

  /** A sender may have written what NATS does not allow, which counts as none. */
  #headers(): MsgHdrs | undefined {
    try {
      return this.stored.header;
    } catch {
      return undefined;
    }
  }
}

/** What is left of a message that is gone: where it stood. */
export class GoneMessage implements Message {
  readonly data = new Uint8Array();
  readonly subject = '';
  readonly reply = undefined;

  constructor(
    readonly stream: string,
    readonly sequence: number,
    readonly consumer: string,
    readonly delivered: number,
    /** When it was found to be gone. */
    readonly timestampMs: number,
  ) {}

  headers(): undefined {
    return undefined;
  }
  header(): undefined {
    return undefined;
  }
}
