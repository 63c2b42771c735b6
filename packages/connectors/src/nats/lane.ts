import type { OutputMessage, Settle } from '../contract.js';

/** A message that was published to a stream and is not settled. */
export interface Pending {
  /** In the subject of the reply. */
  readonly number: number;
  /** In the order of publishing. */
  readonly place: number;
  readonly message: OutputMessage;
  readonly lane: Lane;
  readonly settled: Settle | undefined;
  /** Who may withdraw it. */
  readonly publisher: object | undefined;
  readonly bytes: number;
  /**
   * `sent`: on its way, or refused for now and the first of its subject. `held`: not stored, and not sent before those in front of it are. `doubted`: nobody
   * knows whether it is stored, by this sink or by others meanwhile. `withdrawn`: it is not sent any more.
   */
  state: 'sent' | 'held' | 'doubted' | 'withdrawn';
  /** When one that is `sent` is looked for, or tried again where it was refused, unless it is acknowledged before, in monotonic milliseconds. */
  dueMs: number;
  /** When it was published, in monotonic milliseconds. */
  readonly publishedMs: number;
  timesSent: number;
  /** Its neighbours in the lane, which alone sets them. */
  inFront: Pending | undefined;
  behind: Pending | undefined;
}

/**
 * What is pending of one subject, in the order of publishing: a list that goes through the messages themselves, so that each comes and goes at no cost that grows with their number, and
 * that nobody has to look through the messages of all subjects for those of one.
 */
export class Lane {
  #first: Pending | undefined;
  #last: Pending | undefined;
  /** The first message that was refused for now, which is tried again; those behind it wait for it. */
  refused: Pending | undefined;

  constructor(readonly subject: string) {}

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Behind all that are here. */
  add(pending: Pending): void {
    pending.inFront = this.#last;
    if (this.#last) this.#last.behind = pending;
    else this.#first = pending;
    this.#last = pending;
  }

  /** One that is here. What is done with points to nothing any more: it would keep alive what came after it. */
  remove(pending: Pending): void {
    const { inFront, behind } = pending;
    if (inFront) inFront.behind = behind;
    else this.#first = behind;
    if (behind) behind.inFront = inFront;
    else this.#last = inFront;
    pending.inFront = undefined;
    pending.behind = undefined;
  }

  /** As they are now, in order. */
  all(): Pending[] {
    const all: Pending[] = [];
    for (let pending = this.#first; pending; pending = pending.behind) all.push(pending);
    return all;
  }

  /** Whether one in front of `pending` has no answer, but for the one that is tried again. */
  hasUnanswered({ inFront }: Pending): boolean {
    for (let pending = inFront; pending; pending = pending.inFront)
      if (pending.state === 'sent' && pending !== this.refused) return true;
    return false;
  }
}
