/** Many more at once overflow the queue of a listening server, and whoever falls out of it waits for seconds. */
const dialsPerInterval = 25;
const intervalMs = 100;

/** Spreads what a process dials again over time, however many connections lost their server in the same moment. */
export class DialPace {
  /** How many turns are taken of each interval, by its number. */
  readonly #taken = new Map<number, number>();

  /** The first turn that is free at `wantedMs` or later, which is taken by that. Times are those of `Date.now()`. */
  turn(wantedMs: number, nowMs: number): number {
    const current = Math.floor(nowMs / intervalMs);
    for (const interval of this.#taken.keys()) if (interval < current) this.#taken.delete(interval);
    let interval = Math.floor(wantedMs / intervalMs);
    while ((this.#taken.get(interval) ?? 0) >= dialsPerInterval) interval++;
    const taken = this.#taken.get(interval) ?? 0;
    this.#taken.set(interval, taken + 1);
    return Math.max(wantedMs, interval * intervalMs + Math.floor((taken * intervalMs) / dialsPerInterval));
  }
}

/** Of this process. */
export const dialPace = new DialPace();
