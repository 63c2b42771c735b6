import { describe, expect, it } from 'vitest';
import { redeliveryDelayMs } from './redelivery.js';

const delays = (maxDeliver: number, backoffMs: readonly number[], deliveries: number) =>
  Array.from({ length: deliveries }, (_, i) => redeliveryDelayMs({ maxDeliver, backoffMs }, i + 1));

describe('a message that failed', () => {
  it('waits step after step, the last one again and again, until its last delivery', () => {
    expect(delays(3, [1000, 5000, 10_000], 3)).toEqual([1000, 5000, undefined]);
    expect(delays(5, [1000, 5000], 6)).toEqual([1000, 5000, 5000, 5000, undefined, undefined]);
    expect(delays(1, [], 1)).toEqual([undefined]);
  });

  it('comes again for ever where deliveries have no end, in steps of the mesh unless the connection has its own', () => {
    expect(delays(-1, [], 7)).toEqual([1000, 2000, 5000, 10_000, 30_000, 30_000, 30_000]);
    expect(delays(-1, [50], 3)).toEqual([50, 50, 50]);
  });
});
