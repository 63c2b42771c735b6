import type { Redelivery } from '@laminar/definitions';

/** Waits between deliveries where a connection has no `consumer_backoff`. */
const ownStepsMs = [1000, 2000, 5000, 10_000, 30_000] as const;

/** How long a message that failed waits for its next delivery, after how many; undefined where that was its last. */
export function redeliveryDelayMs({ maxDeliver, backoffMs }: Redelivery, delivered: number): number | undefined {
  if (maxDeliver > 0 && delivered >= maxDeliver) return undefined;
  const steps = backoffMs.length > 0 ? backoffMs : ownStepsMs;
  return steps[Math.min(delivered, steps.length) - 1];
}
