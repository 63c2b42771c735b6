import { type Acknowledgement, type Answer, answers, isLastDelivery } from './acknowledgement.js';
import type { JetStreamMessage } from './message.js';

interface Entry {
  readonly sequence: number;
  /** As it came first. */
  readonly message: JetStreamMessage;
  state: 'open' | 'retried' | 'settled';
  /** Monotonic milliseconds of when it is to come again, where it was retried. */
  dueMs: number;
}

/** Settled entries at the front are let go of together. */
const compactAt = 1024;

/**
 * One acknowledgement for a message and all before it: only the last of those up to which everything is settled is acknowledged, so that a message
 * which is to come again holds back all after it.
 *
 * The server (2.9 and 2.12 alike) ignores an acknowledgement whose consumer sequence is not beyond the last one's. Messages are therefore acknowledged by
 * the reply subject of their first delivery, since those rise with the stream; and where a message comes late, out of the stream's order, nothing is
 * acknowledged before all that came earlier is settled.
 */
export class AllAcknowledgement implements Acknowledgement {
  /** By sequence, from `#head` on; what is before it is acknowledged. */
  #line: Entry[] = [];
  #head = 0;
  /** From `#head` up to here, not included, everything is settled. */
  #front = 0;
  /** Entries that are open, and bytes of their payloads. */
  #open = 0;
  #openBytes = 0;
  #acknowledgedThrough: number | undefined;
  /** Nothing is acknowledged before everything up to it is settled. */
  #holdThrough = 0;
  #held = true;

  constructor(
    readonly answer: Answer,
    readonly maxDeliver: number,
  ) {}

  received(message: JetStreamMessage): boolean {
    const { sequence } = message;
    const highest = this.#line.at(-1)?.sequence ?? this.#acknowledgedThrough;
    if (highest === undefined || sequence > highest) {
      const entry: Entry = { sequence, message, state: 'settled', dueMs: 0 };
      this.#line.push(entry);
      this.#turn(entry, 'open');
      return true;
    }
    const index = this.#indexOf(sequence);
    const known = this.#line[index];
    if (known?.sequence === sequence) return this.#redelivered(known);
    // Its acknowledgement was lost, or it was delivered to somebody else before.
    const isDone = this.#acknowledgedThrough !== undefined && sequence <= this.#acknowledgedThrough;
    if (index < this.#line.length) this.#holdThrough = highest;
    const entry: Entry = { sequence, message, state: 'settled', dueMs: 0 };
    this.#line.splice(index, 0, entry);
    if (!isDone) this.#turn(entry, 'open');
    this.#front = Math.min(this.#front, index);
    this.#advance();
    return !isDone;
  }

  ack({ sequence }: JetStreamMessage): void {
    this.#settle(sequence);
  }

  nak(message: JetStreamMessage, delayMs: number): void {
    this.answer(message, answers.nak(delayMs));
    if (isLastDelivery(message, this.maxDeliver)) this.#settle(message.sequence);
    else {
      const entry = this.#entry(message.sequence);
      if (!entry) return;
      this.#turn(entry, 'retried');
      entry.dueMs = performance.now() + delayMs;
    }
  }

  /** The server would take a +TERM for the acknowledgement of all before it. */
  term({ sequence }: JetStreamMessage): void {
    this.#settle(sequence);
  }

  working(message: JetStreamMessage): void {
    this.answer(message, answers.working);
  }

  keepAlive(beforeMs: number): void {
    for (let i = this.#head; i < this.#line.length; i++) {
      const entry = this.#line[i];
      if (entry?.state === 'settled' && entry.message.receivedMs < beforeMs)
        this.answer(entry.message, answers.working);
    }
  }

  /** What is being worked on here is not done for that. */
  gone(through: number): void {
    for (let i = this.#front; i < this.#line.length; i++) {
      const entry = this.#line[i];
      if (!entry || entry.sequence > through) break;
      if (entry.state === 'retried') entry.state = 'settled';
    }
    this.#advance();
  }

  overdue(beforeMs: number): number | undefined {
    const front = this.#line[this.#front];
    return front?.state === 'retried' && front.dueMs < beforeMs ? front.sequence : undefined;
  }

  get settledThrough(): number | undefined {
    const next = this.#line[this.#front];
    return next === undefined ? (this.#line.at(-1)?.sequence ?? this.#acknowledgedThrough) : next.sequence - 1;
  }

  get unacknowledged(): number {
    return this.#line.length - this.#head;
  }

  get underWay(): number {
    return this.#open;
  }

  get bytesUnderWay(): number {
    return this.#openBytes;
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#advance();
  }

  /** One that is settled already is not worked on again. */
  #redelivered(entry: Entry): boolean {
    if (entry.state === 'settled') return false;
    this.#turn(entry, 'open');
    return true;
  }

  #settle(sequence: number): void {
    const entry = this.#entry(sequence);
    if (!entry) return;
    this.#turn(entry, 'settled');
    this.#advance();
  }

  #turn(entry: Entry, state: Entry['state']): void {
    const opened = Number(state === 'open') - Number(entry.state === 'open');
    this.#open += opened;
    this.#openBytes += opened * entry.message.data.length;
    entry.state = state;
  }

  #advance(): void {
    while (this.#line[this.#front]?.state === 'settled') this.#front++;
    const last = this.#line[this.#front - 1];
    if (this.#held || this.#front === this.#head || !last || last.sequence < this.#holdThrough) return;
    this.answer(last.message, answers.ack);
    this.#acknowledgedThrough = last.sequence;
    this.#head = this.#front;
    if (this.#head < compactAt && this.#head < this.#line.length) return;
    this.#line = this.#line.slice(this.#head);
    this.#head = 0;
    this.#front = 0;
  }

  #entry(sequence: number): Entry | undefined {
    const first = this.#line[this.#head];
    if (first?.sequence === sequence) return first;
    const found = this.#line[this.#indexOf(sequence)];
    return found?.sequence === sequence ? found : undefined;
  }

  /** Where the sequence stands, or would. */
  #indexOf(sequence: number): number {
    let low = this.#head;
    let high = this.#line.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#line[middle]?.sequence ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
