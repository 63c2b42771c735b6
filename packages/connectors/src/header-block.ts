import type { MsgHdrs } from '@nats-io/nats-core';

/**
 * Headers of an output message, as the text that travels (NATS ADR-4), so that a block which is the same for all messages of a pipeline is
 * encoded once.
 */
export class HeaderBlock {
  #encoded: Uint8Array | undefined;

  /** `lines` are `Name: value\r\n`, none of them with line breaks within. */
  constructor(readonly lines: string) {}

  /** The block with more lines. */
  with(name: string, value: string): HeaderBlock {
    return new HeaderBlock(`${this.lines}${name}: ${value}\r\n`);
  }

  encode(): Uint8Array {
    if (this.#encoded === undefined) this.#encoded = Buffer.from(`NATS/1.0\r\n${this.lines}\r\n`, 'utf8');
    return this.#encoded;
  }

  /** In the place of the client's own headers, of which a publish only ever calls `encode`. */
  asHeaders(): MsgHdrs {
    return this as unknown as MsgHdrs;
  }
}
