import { describe, expect, it } from 'vitest';
import { DialPace } from './dial-pace.js';
import { ReconnectPlan } from './reconnect-plan.js';

const numbers = { reconnectWaitMs: 2000, reconnectJitterMs: 100 };

describe('dialling again', () => {
  it('waits as long as the definition says since the last attempt, and a part of its jitter', () => {
    for (const [chance, waitMs] of [
      [0, 2000],
      [0.999, 2100],
    ] as const) {
      const plan = new ReconnectPlan(numbers, new DialPace());
      plan.dialled(10_000);
      expect(plan.waitMs(10_050, () => chance)).toBe(waitMs);
      // The client asks again when it wakes up.
      expect(plan.waitMs(11_990, () => 0.5)).toBe(waitMs);
      plan.dialled(12_000);
      expect(plan.waitMs(12_000, () => 0)).toBe(2000);
    }
  });

  it('is done at once where the last attempt is long ago', () => {
    const plan = new ReconnectPlan(numbers, new DialPace());
    plan.dialled(0);
    expect(plan.waitMs(50_000, () => 0)).toBe(50_000);
  });

  it('waits no longer where the clock went back', () => {
    const hourMs = 3_600_000;
    const plan = new ReconnectPlan(numbers, new DialPace());
    plan.dialled(2 * hourMs);
    // Before it was asked, and while the client waits.
    expect(2 * hourMs + plan.waitMs(hourMs, () => 0)).toBe(hourMs + 2000);
    expect(2 * hourMs + plan.waitMs(hourMs + 1500, () => 0)).toBe(hourMs + 2000);
    expect(2 * hourMs + plan.waitMs(0, () => 0)).toBe(2000);
    plan.dialled(2000);
    expect(plan.waitMs(2000, () => 0)).toBe(2000);
  });

  it('is spread over time where many connections were lost in the same moment', () => {
    const pace = new DialPace();
    const dials = Array.from({ length: 1000 }, () => {
      const plan = new ReconnectPlan(numbers, pace);
      plan.dialled(0);
      return plan.waitMs(50_000, () => 0);
    });
    const per100Ms = new Map<number, number>();
    for (const at of dials) per100Ms.set(Math.floor(at / 100), (per100Ms.get(Math.floor(at / 100)) ?? 0) + 1);
    expect([...per100Ms.values()]).toEqual(Array.from({ length: 40 }, () => 25));
  });

  it('does not wait for one that dials much later', () => {
    const pace = new DialPace();
    expect(pace.turn(3_600_000, 0)).toBe(3_600_000);
    expect(pace.turn(1000, 0)).toBe(1000);
  });
});
