import { type ConsumerConfig, DeliverPolicy } from '@nats-io/jetstream';
import type { TapRange } from '../contract.js';

/** A server whose clock is that far behind may still store messages of a time that is past here. */
const clockSkewMaxMs = 1000;

/** Where a consumer begins that is to read a range. */
export function rangeStart({ fromSequence, fromMicros }: TapRange): Partial<ConsumerConfig> {
  // One of both is enough: the query itself drops what is before the other.
  if (fromSequence !== undefined && fromSequence > 1)
    return {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.min(fromSequence, Number.MAX_SAFE_INTEGER),
    };
  const startTime = fromMicros === undefined ? undefined : isoTime(fromMicros);
  return startTime === undefined
    ? { deliver_policy: DeliverPolicy.All }
    : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: startTime };
}

/** The microsecond before, since times are compared when they are rounded to one; undefined before 1970, where a stream has nothing. */
function isoTime(micros: number): string | undefined {
  const before = micros - 1;
  if (before <= 0) return undefined;
  const ms = Math.min(Math.floor(before / 1000), lastMs);
  const digits = String(before - Math.floor(before / 1000) * 1000).padStart(3, '0');
  return new Date(ms).toISOString().replace('Z', `${digits}Z`);
}

/** The last millisecond that four digits of a year can say. */
const lastMs = Date.UTC(10_000, 0) - 1;

/** Whether a message lies behind the end of a range, which is then passed: sequences and times of a stream both grow. */
export const isBeyond = ({ toSequence, toMicros }: TapRange, sequence: number, timestampMs: number): boolean =>
  sequence > (toSequence ?? Number.POSITIVE_INFINITY) ||
  Math.round(timestampMs * 1000) > (toMicros ?? Number.POSITIVE_INFINITY);

/** Whether nothing is stored within a range any more, once the stream has come to `lastSequence` at `nowMs`. */
export const isOver = ({ toSequence, toMicros }: TapRange, lastSequence: number, nowMs: number): boolean =>
  lastSequence >= (toSequence ?? Number.POSITIVE_INFINITY) ||
  (nowMs - clockSkewMaxMs) * 1000 > (toMicros ?? Number.POSITIVE_INFINITY);

/** Whether a range has an end at all. */
export const hasEnd = ({ toSequence, toMicros }: TapRange): boolean =>
  toSequence !== undefined || toMicros !== undefined;
