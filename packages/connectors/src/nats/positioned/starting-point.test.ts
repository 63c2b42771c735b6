import { describe, expect, it } from 'vitest';
import { removedRemark, startingPoint } from './starting-point.js';
import type { StreamView } from './stream-view.js';

const view: StreamView = {
  stream: 'S',
  what: 'the stream "S"',
  remedy: 'create it',
  filters: [],
  source: 'S',
  start: { from: 'new' },
  inOrder: true,
  unsettledMax: 10,
  ackWaitMs: 6000,
  maxDeliver: -1,
  rateLimit: undefined,
  consumerName: undefined,
};
const store: StreamView = { ...view, source: 'KV_B $KV.B.>', start: { from: 'current' } };
const stream = { incarnation: 'a', firstSequence: 3, lastSequence: 20 };
const position = { source: 'S', incarnation: 'a', sequence: 7, currentUntil: 0 };
const storePosition = { ...position, source: store.source };

describe('where a stream is read from', () => {
  it('is what the definition says at the first start, and for another source', () => {
    for (const before of [undefined, { ...position, source: 'T' }])
      expect(startingPoint(view, stream, before)).toMatchObject({
        config: { deliver_policy: 'new' },
        after: undefined,
        remark: undefined,
      });
    const starts = [
      [{ from: 'all' }, { deliver_policy: 'all' }],
      [{ from: 'last' }, { deliver_policy: 'last' }],
      [
        { from: 'sequence', sequence: 5 },
        { deliver_policy: 'by_start_sequence', opt_start_seq: 5 },
      ],
      [
        { from: 'time', atMs: 0 },
        { deliver_policy: 'by_start_time', opt_start_time: '1970-01-01T00:00:00.000Z' },
      ],
    ] as const;
    for (const [start, config] of starts)
      expect(startingPoint({ ...view, start }, stream, undefined)).toMatchObject({ config, after: undefined });
  });

  it('is behind the position, whatever the definition says', () => {
    expect(startingPoint(view, stream, position)).toEqual({
      config: { deliver_policy: 'by_start_sequence', opt_start_seq: 8 },
      after: 7,
      currentUntil: 0,
      remark: undefined,
    });
  });

  it('is the beginning of a stream that was made again, which is said', () => {
    const { config, remark } = startingPoint(view, stream, { ...position, incarnation: 'b' });
    expect(config).toEqual({ deliver_policy: 'all' });
    expect(remark).toBe('the stream "S" was deleted and made again: it is read from its beginning');
  });

  it('says what was removed behind the position', () => {
    const { after, remark } = startingPoint(view, { ...stream, firstSequence: 12 }, position);
    expect(after).toBe(7);
    expect(remark).toBe('messages 8 to 11 of the stream "S" were removed before they were read');
    expect(removedRemark({ ...view, filters: ['a'] }, 7, { firstSequence: 12 })).toMatch(/as far as they matched$/);
    expect(removedRemark(view, 7, { firstSequence: 8 })).toBeUndefined();
  });

  it('is the end of a stream that has lost messages, which is said', () => {
    const { config, remark } = startingPoint(view, { ...stream, lastSequence: 5 }, position);
    expect(config).toEqual({ deliver_policy: 'by_start_sequence', opt_start_seq: 6 });
    expect(remark).toMatch(/ends at 5, before 7/);
  });
});

describe('where a store is read from', () => {
  it('is the newest of each key, until that is read once', () => {
    const newest = { config: { deliver_policy: 'last_per_subject' }, currentUntil: 20, remark: undefined };
    expect(startingPoint(store, stream, undefined)).toEqual({ ...newest, after: 0 });
    expect(startingPoint(store, stream, { ...storePosition, currentUntil: 20 })).toEqual({ ...newest, after: 7 });
  });

  it('is every change behind the position after that, and what was overwritten is not missed', () => {
    expect(startingPoint(store, { ...stream, firstSequence: 12 }, storePosition)).toEqual({
      config: { deliver_policy: 'by_start_sequence', opt_start_seq: 8 },
      after: 7,
      currentUntil: 0,
      remark: undefined,
    });
  });

  it('is the newest of each key again where the bucket was made again, or other keys are wanted', () => {
    const again = startingPoint(store, stream, { ...storePosition, incarnation: 'b' });
    expect(again).toMatchObject({ config: { deliver_policy: 'last_per_subject' }, after: 0 });
    expect(again.remark).toMatch(/made again/);
    expect(startingPoint(store, stream, position)).toMatchObject({ after: 0, remark: undefined });
  });

  it('is an empty one from its first entry on', () => {
    const empty = { incarnation: 'a', firstSequence: 0, lastSequence: 0 };
    expect(startingPoint(store, empty, undefined)).toMatchObject({
      config: { deliver_policy: 'by_start_sequence', opt_start_seq: 1 },
      after: 0,
    });
  });
});
