import { expect, it } from 'vitest';
import { FirstDeliveries } from './first-deliveries.js';

it('knows what was delivered before, or may have been, though the server counts from 1 again', () => {
  const deliveries = new FirstDeliveries({ delivered: 2, ackPending: 1 });
  const come = (sequence: number, delivered = 1) => deliveries.isAgain({ sequence, delivered });
  expect([come(2, 2), come(3), come(4), come(7), come(5, 3), come(7), come(4), come(8)]).toEqual([
    false,
    true,
    false,
    false,
    false,
    true,
    true,
    false,
  ]);
});
