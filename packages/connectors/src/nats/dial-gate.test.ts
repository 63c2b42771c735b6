import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DialGate } from './dial-gate.js';

const atOnce = 32;
const slowMs = 100;

/** What is dialled, and how it ends. */
class Dials {
  readonly began: number[] = [];
  readonly ended: Promise<unknown>[] = [];
  readonly #ends = new Map<number, (error?: Error) => void>();

  constructor(readonly gate = new DialGate()) {}

  ask(server: string, count: number): void {
    for (let i = 0; i < count; i++) {
      const dial = this.ended.length;
      const passed = this.gate.pass(server, () => {
        this.began.push(dial);
        return new Promise<void>((resolve, reject) => {
          this.#ends.set(dial, (error) => (error ? reject(error) : resolve()));
        });
      });
      this.ended.push(passed.catch((error: Error) => error));
    }
  }

  get underWay(): readonly number[] {
    return [...this.#ends.keys()];
  }

  /** Ends the one that is the `index`th of those under way, counted round. */
  async end(index: number, error?: Error): Promise<void> {
    const dial = this.underWay[index % this.underWay.length];
    if (dial === undefined) return;
    this.#ends.get(dial)?.(error);
    this.#ends.delete(dial);
    await this.ended[dial];
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

it('lets as many dial at once as it may, and the next when one was let in or refused, first come first served', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(60), fc.nat(), fc.boolean())), async (steps) => {
      const dials = new Dials();
      for (const [asked, index, isRefused] of steps) {
        dials.ask('a', asked);
        await Promise.resolve();
        await dials.end(index, isRefused ? new Error('refused') : undefined);
        const open = dials.ended.length - dials.began.length + dials.underWay.length;
        expect(dials.underWay.length).toBe(Math.min(open, atOnce));
      }
      while (dials.underWay.length > 0) await dials.end(0);
      expect(dials.began).toEqual(dials.ended.map((_, dial) => dial));
      expect(vi.getTimerCount()).toBe(0);
    }),
  ));

it('gives what became of a dial', async () => {
  const gate = new DialGate();
  expect(await gate.pass('a', async () => 'in')).toBe('in');
  await expect(gate.pass('a', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
});

it('does not wait for a server that does not answer', async () => {
  const dials = new Dials();
  dials.ask('a', 3 * atOnce);
  await Promise.resolve();
  expect(dials.underWay).toHaveLength(atOnce);
  await vi.advanceTimersByTimeAsync(slowMs);
  expect(dials.underWay).toHaveLength(2 * atOnce);
  // One that is slow has given its place away already.
  await dials.end(0);
  expect(dials.began).toHaveLength(2 * atOnce);
  await vi.advanceTimersByTimeAsync(slowMs);
  expect(dials.began).toHaveLength(3 * atOnce);
});

it('lets nobody wait for another server', async () => {
  const dials = new Dials();
  dials.ask('a', 2 * atOnce);
  dials.ask('b', 1);
  await Promise.resolve();
  expect(dials.underWay).toContain(2 * atOnce);
});
