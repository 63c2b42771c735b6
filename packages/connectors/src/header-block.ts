import type { MsgHdrs } from '@nats-io/nats-core';

/**
 * Headers of an output message, as the text that travels (NATS ADR-4), so that a block which is the same for all messages of a pipeline is
 * encoded once.
 */
export class HeaderBlock {
  #encoded: Uint8Array | undefined;

  /** `lines` are `Name: value\r\n`, none of them with line breaks within. */
  constructor(readonly lines: string) {}

  /**
   * The block with one more header. Names and values are checked where they come in from outside; here, where it is too late to refuse a
   * message, a line break that slipped through becomes a space, so that no value can ever begin another header or end the block.
   */
  with(name: string, value: string): HeaderBlock {
    return new HeaderBlock(`${this.lines}${oneLine(name)}: ${oneLine(value)}\r\n`);
  }

  /** The value of a header, by its name as it was written; undefined where the block has none. */
  find(name: string): string | undefined {
    const line = this.lines.split('\r\n').find((candidate) => candidate.startsWith(`${name}: `));
    return line?.slice(name.length + 2);
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

const lineBreaks = /[\r\n]+/g;

const oneLine = (text: string): string =>
  text.includes('\n') || text.includes('\r') ? text.replace(lineBreaks, ' ') : text;
