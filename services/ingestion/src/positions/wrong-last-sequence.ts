import { JetStreamApiError } from '@nats-io/jetstream';

/** As nats-server says it with and without the sequence that it found. */
const codes: readonly number[] = [10071, 10164];

/** A write came too late: the key was written since it was read. */
export const isWrongLastSequence = (error: unknown): boolean =>
  error instanceof JetStreamApiError && codes.includes(error.code);
