import type { Message } from '@laminar/codecs';
import type { DeliveryInfo, JsMsg } from '@nats-io/jetstream';
import type { Msg, MsgHdrs } from '@nats-io/nats-core';

/** A message of a plain subscription. */
export class CoreMessage implements Message {
  readonly sequence = undefined;
  readonly stream = undefined;
  readonly consumer = undefined;
  readonly delivered = undefined;

  constructor(
    readonly message: Msg,
    readonly timestampMs: number,
  ) {}

  get data(): Uint8Array {
    return this.message.data;
  }
  get subject(): string {
    return this.message.subject;
  }
  get reply(): string | undefined {
    return this.message.reply || undefined;
  }
  headers(): { [name: string]: string[] } | undefined {
    return headersOf(readHeaders(this.message));
  }
  header(name: string): string | undefined {
    return readHeaders(this.message)?.get(name) || undefined;
  }
}

/** A message that a JetStream consumer delivered. */
export class JetStreamMessage implements Message {
  /** The reply subject is where the acknowledgement goes, and no business of a query. */
  readonly reply = undefined;
  #info: DeliveryInfo | undefined;

  constructor(
    readonly message: JsMsg,
    /** Monotonic milliseconds. */
    readonly receivedMs: number,
  ) {}

  get data(): Uint8Array {
    return this.message.data;
  }
  get subject(): string {
    return this.message.subject;
  }
  get timestampMs(): number {
    return this.#delivery().timestampNanos / 1e6;
  }
  get sequence(): number {
    return this.#delivery().streamSequence;
  }
  get stream(): string {
    return this.#delivery().stream;
  }
  get consumer(): string {
    return this.#delivery().consumer;
  }
  get delivered(): number {
    return this.#delivery().deliveryCount;
  }
  headers(): { [name: string]: string[] } | undefined {
    return headersOf(readHeaders(this.message));
  }
  header(name: string): string | undefined {
    return readHeaders(this.message)?.get(name) || undefined;
  }

  #delivery(): DeliveryInfo {
    this.#info ??= this.message.info;
    return this.#info;
  }
}

/** The client reads headers when they are asked for, and throws where a sender wrote none that NATS allows: those count as none. */
export function readHeaders(message: { readonly headers?: MsgHdrs | undefined }): MsgHdrs | undefined {
  try {
    return message.headers;
  } catch {
    return undefined;
  }
}

export function headersOf(headers: MsgHdrs | undefined): { [name: string]: string[] } | undefined {
  return headers && Object.fromEntries(headers.keys().map((name) => [name, headers.values(name)]));
}
