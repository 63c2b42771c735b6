/** Under way at once whatever is measured: a reader that works on one message after the other would wait for each. */
const leastWindow = 4;
/** What may stand in line: so many times what is needed where nothing has to wait. */
const slack = 3;
/**
 * At least what is done in so much time, or in so many round trips to the server, is under way: messages come and go in bursts, and a server that is busy storing what
 * came out of them takes a while to deliver more.
 */
const burstMs = 50;
const burstRoundTrips = 4;
/** A stretch that is measured: so many messages that had to be waited for, and so much time at least. */
const measuredMessages = 64;
const measuredMs = 20;
/** Where messages are slow, or few have to be waited for, it ends after so much time, or so many. */
const patienceMs = 1000;
const patienceMessages = 2048;
/** The time that a message takes at least is measured anew when it is that old. */
const staleMs = 5000;

export interface PrefetchOptions {
  /** What the consumer lets be under way. */
  readonly max: number;
  /** So many are asked for together, and are under way before anything is known. */
  readonly batch: number;
  /** So many have to be under way for whoever works on them, as where they are waited for to be worked on together. */
  readonly least: number;
  readonly nowMs: number;
  /** The source has more than was delivered. */
  hasMore(): boolean;
}

/**
 * How many messages a reader has under way: enough to keep whoever works on them busy, and few enough that they do not wait here, where they cost memory and could be
 * done by another reader. By Little's law that is pace times delay: the pace at which messages are settled, and the least delay that was seen lately, as congestion control
 * does it (Vegas, BBR). The unit of time is monotonic milliseconds.
 */
export class Prefetch {
  #window: number;
  #settled = 0;
  #waited = 0;
  #delaySumMs = 0;
  #wasFull = false;
  /** Messages that came while the window was another one, and say nothing of this one. */
  #older = 0;
  #sinceMs: number;
  /** The least mean delay of a stretch. */
  #delay: { readonly ms: number; readonly atMs: number } | undefined;
  /** The stretch before, where the window was another one. */
  #before: { readonly window: number; readonly pace: number } | undefined;
  #probing = false;
  /** Milliseconds from asking for messages to their coming. */
  roundTripMs = 0;

  constructor(readonly options: PrefetchOptions) {
    this.#window = Math.min(options.max, Math.max(options.least, options.batch));
    this.#sinceMs = options.nowMs;
  }

  /** Messages that may be under way. */
  get window(): number {
    return this.#window;
  }

  /**
   * How many more to ask for where so many are under way and so many asked for: a whole batch or none; where the window is much smaller than a batch what is left of it,
   * unless that is below a quarter. Without limit where little is under way and the source has no more.
   */
  room(underWay: number, asked: number): number {
    const { batch, hasMore } = this.options;
    const window = this.#window;
    const isSmall = window < batch / 4;
    const most = isSmall ? window - (window >> 2) - 1 : Math.max(window - batch, window >> 1);
    if (underWay + asked <= most) return isSmall ? window - underWay - asked : batch;
    if (underWay <= most && !hasMore()) return Number.POSITIVE_INFINITY;
    this.#wasFull = true;
    return 0;
  }

  /** A message is done; `delayMs` is undefined where nothing had to be waited for, as where it is filtered out. */
  settled(delayMs: number | undefined, nowMs: number): void {
    if (this.#older > 0) {
      if (--this.#older === 0) this.#begin(nowMs);
      return;
    }
    this.#settled++;
    if (delayMs !== undefined) {
      this.#waited++;
      this.#delaySumMs += delayMs;
    }
    const elapsedMs = nowMs - this.#sinceMs;
    const isMeasured = this.#waited >= measuredMessages || this.#settled >= patienceMessages;
    // What came together is settled together: a stretch is not shorter than that takes to come round.
    const leastMs = Math.max(measuredMs, this.#waited === 0 ? 0 : this.#delaySumMs / this.#waited);
    if (elapsedMs >= (isMeasured ? leastMs : patienceMs)) this.#measured(nowMs);
  }

  #measured(nowMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs;
    // Where messages are scarce it is their producer's pace.
    if (this.#wasFull) {
      const { least, max } = this.options;
      const window = this.#window;
      const wanted = Math.max(this.#waited === 0 ? max : this.#wanted(elapsedMs, nowMs), least, leastWindow);
      this.#window = Math.min(wanted, 2 * window, max);
      if (this.#window !== window) this.#older = window;
    }
    this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.#settled = 0;
    this.#waited = 0;
    this.#delaySumMs = 0;
    this.#wasFull = false;
    this.#sinceMs = nowMs;
  }

  #wanted(elapsedMs: number, nowMs: number): number {
    const window = this.#window;
    const pace = this.#waited / elapsedMs;
    const delay = this.#leastDelay(pace, this.#delaySumMs / this.#waited, nowMs);
    this.#before = { window, pace };
    this.#probing = nowMs - delay.atMs >= staleMs;
    const fetchPace = this.#settled / elapsedMs;
    const { roundTripMs } = this;
    if (this.#probing) return Math.ceil((pace * delay.ms + fetchPace * roundTripMs) / 2);
    const burst = fetchPace * Math.max(burstMs, burstRoundTrips * roundTripMs);
    return Math.max(Math.ceil(pace * slack * delay.ms), Math.ceil(burst), window >> 1);
  }

  /** Where the pace fell with the window, messages did not stand in line: it is the work itself that takes longer than it did. */
  #leastDelay(pace: number, delayMs: number, nowMs: number): { readonly ms: number; readonly atMs: number } {
    const before = this.#before;
    const shrunk = before === undefined ? 1 : this.#window / before.window;
    const isSlower = before !== undefined && shrunk < 1 && pace < (before.pace * (1 + shrunk)) / 2;
    const known = this.#delay;
    if (known !== undefined && !this.#probing && !isSlower && known.ms <= delayMs) return known;
    this.#delay = { ms: delayMs, atMs: nowMs };
    return this.#delay;
  }
}
