import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prefetch } from './prefetch.js';

const max = 5000;
const hasMore = () => true;

interface Work {
  /** Messages a millisecond that can be done at most. */
  readonly pace: number;
  /** Milliseconds from the end of the work to the answer. */
  readonly delayMs: number;
  /** Share of the messages that are done without an answer. */
  readonly filtered: number;
}

/** A reader with a source that never runs dry, before somebody who does one message after the other and answers later. */
class Simulation {
  nowMs = 0;
  done = 0;
  readonly prefetch = new Prefetch({ max, batch: 64, least: 1, nowMs: 0, hasMore });
  readonly #answers: { readonly atMs: number; readonly receivedMs: number }[] = [];
  #freeMs = 0;
  #filteredOwed = 0;

  constructor(public work: Work) {}

  run(untilMs: number): void {
    this.#fill();
    while (this.nowMs < untilMs) {
      const next = this.#answers.shift();
      if (!next) throw new Error('nothing is under way');
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#settle(this.nowMs - next.receivedMs);
      this.#fill();
    }
  }

  /** Messages that were worked on, a millisecond. */
  paceOver(ms: number): number {
    const [before, from] = [this.done, this.nowMs];
    this.run(from + ms);
    return (this.done - before) / (this.nowMs - from);
  }

  #settle(delayMs: number | undefined): void {
    if (delayMs !== undefined) this.done++;
    this.prefetch.settled(delayMs, this.nowMs);
  }

  #fill(): void {
    const { pace, delayMs, filtered } = this.work;
    while (this.prefetch.room(this.#answers.length, 0) > 0) {
      this.#filteredOwed += filtered;
      if (this.#filteredOwed >= 1) {
        this.#filteredOwed--;
        this.#settle(undefined);
        continue;
      }
      this.#freeMs = Math.max(this.#freeMs, this.nowMs) + 1 / pace;
      const last = this.#answers.at(-1)?.atMs ?? 0;
      this.#answers.push({ atMs: Math.max(last, this.#freeMs + delayMs), receivedMs: this.nowMs });
    }
  }
}

const works = fc.record({
  pace: fc.oneof(fc.double({ min: 0.05, max: 1, noNaN: true }), fc.double({ min: 1, max: 50, noNaN: true })),
  delayMs: fc.oneof(fc.double({ min: 0.1, max: 5, noNaN: true }), fc.double({ min: 5, max: 80, noNaN: true })),
  filtered: fc.constantFrom(0, 0.5, 0.9),
});
/** What is under way where nothing stands in line and nobody is idle. */
const needed = ({ pace, delayMs }: Work) => pace * delayMs + 1;

describe('what is fetched ahead', () => {
  it('keeps busy whoever does the work, and little stands in line', () => {
    fc.assert(
      fc.property(works, (work) => {
        const simulation = new Simulation(work);
        simulation.run(8000);
        const possible = Math.min(work.pace, max / work.delayMs);
        expect(simulation.paceOver(10_000)).toBeGreaterThan(0.8 * possible);
        // Thrice what a burst needs: what is filtered out comes at once, and makes the pace of a short stretch look higher.
        const burst = (150 * possible) / (1 - work.filtered);
        expect(simulation.prefetch.window).toBeLessThan(Math.max(25, 8 * needed(work), burst));
      }),
      { numRuns: 30 },
    );
  });

  it('follows what becomes slower or quicker', () => {
    fc.assert(
      fc.property(works, works, (before, after) => {
        const simulation = new Simulation(before);
        simulation.run(8000);
        simulation.work = after;
        simulation.run(simulation.nowMs + 20_000);
        expect(simulation.paceOver(10_000)).toBeGreaterThan(0.7 * Math.min(after.pace, max / after.delayMs));
      }),
      { numRuns: 30 },
    );
  });

  it('is all that the consumer allows where nothing has to be waited for', () => {
    const prefetch = new Prefetch({ max, batch: 64, least: 1, nowMs: 0, hasMore });
    for (let nowMs = 0; nowMs < 1000; nowMs++) {
      prefetch.room(max, 0);
      for (let i = 0; i < 64; i++) prefetch.settled(undefined, nowMs);
    }
    expect(prefetch.window).toBe(max);
  });

  it('is what comes in a few round trips where the server is far', () => {
    const prefetch = new Prefetch({ max, batch: 64, least: 1, nowMs: 0, hasMore });
    prefetch.roundTripMs = 50;
    let done = 0;
    for (let nowMs = 0; nowMs < 60_000; nowMs += prefetch.roundTripMs) {
      prefetch.room(0, prefetch.window);
      for (let i = prefetch.window; i > 0; i--) prefetch.settled(0.1, nowMs);
      if (nowMs >= 10_000) done += prefetch.window;
    }
    expect(done / 50_000).toBeGreaterThan((0.8 * max) / prefetch.roundTripMs);
  });

  it('stays as it is while messages are scarce', () => {
    const prefetch = new Prefetch({ max, batch: 64, least: 1, nowMs: 0, hasMore: () => false });
    for (let nowMs = 0; nowMs < 10_000; nowMs += 10) {
      expect(prefetch.room(1, 63)).toBe(Number.POSITIVE_INFINITY);
      prefetch.settled(5, nowMs);
    }
    expect(prefetch.window).toBe(64);
    expect(prefetch.room(60, 0)).toBe(0);
  });

  it('asks for whole batches', () => {
    const prefetch = new Prefetch({ max, batch: 64, least: 1, nowMs: 0, hasMore });
    expect(prefetch.room(0, 0)).toBe(64);
    expect(prefetch.room(5, 28)).toBe(0);
    expect(prefetch.room(4, 28)).toBe(64);
    const small = new Prefetch({ max, batch: 10, least: 40, nowMs: 0, hasMore });
    expect(small.room(20, 11)).toBe(0);
    expect(small.room(20, 10)).toBe(10);
  });

  it('is what is done while a busy server gets round to deliver more', () => {
    const prefetch = new Prefetch({ max, batch: 64, least: 1, nowMs: 0, hasMore });
    const [turnMs, worksPerMs] = [20, 50];
    for (let fromMs = 0; fromMs < 10_000; fromMs += turnMs) {
      prefetch.room(prefetch.window, 0);
      const done = Math.min(turnMs * worksPerMs, prefetch.window);
      for (let i = 1; i <= done; i++) prefetch.settled(1, fromMs + i / worksPerMs);
    }
    expect(prefetch.window).toBeGreaterThan(turnMs * worksPerMs);
  });

  it('is never more than the consumer allows', () => {
    for (const few of [1, 2, 5])
      expect(new Prefetch({ max: few, batch: 64, least: 1, nowMs: 0, hasMore }).room(0, 0)).toBe(few);
  });
});
