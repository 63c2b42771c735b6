import { orderCount, orders, rowsOf } from './messages.js';

/** Of the time, in microseconds: it has as many digits for all of a run. */
const digits = 10;
const zero = 0x30;
const closingBrace = 0x7d;
const firstTime = 10 ** (digits - 1);
/** A buffer is written again after so many others; the client copies them at the end of the turn. */
const buffers = 4 * orderCount;

/** An object's JSON that ends with a time yet to be written. */
const open = (json: Uint8Array): Buffer => Buffer.concat([json.subarray(0, -1), Buffer.from(',"sent":')]);
const timed = (head: Buffer): Buffer => Buffer.concat([head, Buffer.alloc(digits), Buffer.from([closingBrace])]);

/**
 * Orders that say when they were sent, and their rows. Neither makes objects for the garbage collector: a pause of the process that measures would count as a
 * pause of those who are measured.
 */
export class TimedOrders {
  readonly #messages: readonly Buffer[];
  readonly #rowHeads: readonly Buffer[];
  readonly #startedMs = performance.now();

  constructor() {
    const heads = orders.map((order) => open(Buffer.from(JSON.stringify(order))));
    this.#messages = Array.from({ length: buffers }, (_, i) => timed(heads[i % orderCount] as Buffer));
    this.#rowHeads = rowsOf(({ keep }) => keep).map(open);
  }

  /** The order of that number, sent now. */
  message(number: number): Uint8Array {
    const message = this.#messages[number % buffers] as Buffer;
    let rest = firstTime + this.#nowUs;
    for (let at = message.length - 2; at >= message.length - 1 - digits; at--) {
      message[at] = zero + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return message;
  }

  /** How long ago the order of a row was sent, in milliseconds; undefined where it is not the row of that number. */
  agoMs(row: Uint8Array, number: number): number | undefined {
    const nowUs = this.#nowUs;
    const head = this.#rowHeads[number % this.#rowHeads.length] as Buffer;
    if (row.length !== head.length + digits + 1 || head.compare(row, 0, head.length) !== 0) return undefined;
    let sentUs = 0;
    for (let at = head.length; at < head.length + digits; at++) sentUs = sentUs * 10 + ((row[at] as number) - zero);
    return (nowUs - (sentUs - firstTime)) / 1_000;
  }

  get #nowUs(): number {
    return Math.round((performance.now() - this.#startedMs) * 1_000);
  }
}
