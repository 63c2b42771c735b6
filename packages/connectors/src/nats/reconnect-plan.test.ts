import type { Server } from '@nats-io/nats-core';
import { describe, expect, it } from 'vitest';
import { ReconnectPlan } from './reconnect-plan.js';

const numbers = { reconnectWaitMs: 2000, reconnectJitterMs: 100 };

describe('dialling again', () => {
  it('waits as long as the definition says since the last attempt, and a part of its jitter', () => {
    for (const [chance, waitMs] of [
      [0, 2000],
      [0.999, 2100],
    ] as const) {
      const plan = new ReconnectPlan(numbers);
      plan.dialled(10_000);
      expect(plan.waitMs(10_050, () => chance)).toBe(waitMs);
      // The client asks again when it wakes up.
      expect(plan.waitMs(11_990, () => 0.5)).toBe(waitMs);
      plan.dialled(12_000);
      expect(plan.waitMs(12_000, () => 0)).toBe(2000);
    }
  });

  it('is due where the clock went back', () => {
    const hourMs = 3_600_000;
    const plan = new ReconnectPlan(numbers);
    plan.dialled(2 * hourMs);
    expect(plan.waitMs(2 * hourMs, () => 0)).toBe(2000);
    expect(2 * hourMs + plan.waitMs(hourMs, () => 0)).toBe(hourMs);
    plan.dialled(hourMs);
    expect(plan.waitMs(hourMs, () => 0)).toBe(2000);
  });

  it('is tried at the server whose last attempt is longest ago, in their order where several were never tried', () => {
    const servers = (...lastConnects: number[]) =>
      lastConnects.map((lastConnect, i) => ({ listen: `${i}:4222`, lastConnect }) as Server);
    const { reconnectToServer } = new ReconnectPlan(numbers).options;
    expect(reconnectToServer(servers(5000), null)).toMatchObject({ listen: '0:4222' });
    expect(reconnectToServer(servers(5000, 0, 0), null)).toMatchObject({ listen: '1:4222' });
    expect(reconnectToServer(servers(5000, 9000, 4000), null)).toMatchObject({ listen: '2:4222' });
  });
});
