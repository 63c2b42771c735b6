import type { ConsumerInfo } from '@nats-io/jetstream';

/** A place in a stream, up to which everything is done. */
export interface ReadPosition {
  /** Tells the stream from one of the same name. */
  readonly incarnation: string;
  readonly sequence: number;
}

/**
 * How far a source was read, for as long as somebody runs it: a durable that was deleted meanwhile is made again from there. What outlives the process is
 * the durable itself, and what was last seen of it.
 */
export class PositionMemory {
  position: ReadPosition | undefined;
}

/** The sequence up to which everything that a consumer had to deliver is done, as far as the server knows. It says 0 for the floor of one by which nothing was acknowledged, wherever that began. */
export function floorOf({ delivered, ack_floor, config }: ConsumerInfo): number {
  if (delivered.consumer_seq === 0) return delivered.stream_seq;
  return Math.max(ack_floor.stream_seq, (config.opt_start_seq ?? 1) - 1);
}

/** Of a stream, by when it was created. */
export const incarnationOf = ({ created }: { readonly created: string }): string => Date.parse(created).toString(36);
