import { describe, expect, it } from 'vitest';
import { Backlog, type BacklogItem } from './backlog.js';

const item = (sequence: number): BacklogItem => ({
  sequence,
  bytes: 100,
  delivered: 1,
  settled: false,
  workedOnMs: undefined,
  dueMs: 0,
});

function backlogOf({ inOrder = false, count = 5, after = 0 } = {}) {
  const backlog = new Backlog<BacklogItem>(inOrder);
  backlog.startAfter(after);
  const items = Array.from({ length: count }, (_, i) => item(after + i + 1));
  for (const each of items) backlog.add(each);
  const at = (sequence: number) => {
    const found = items[sequence - after - 1];
    if (!found) throw new Error(`there is no item ${sequence}`);
    return found;
  };
  return { backlog, at };
}

const sequences = (items: readonly BacklogItem[]) => items.map(({ sequence }) => sequence);

describe('a backlog', () => {
  it('hands over in order, so many at most', () => {
    const { backlog } = backlogOf();
    expect(sequences(backlog.take(2, 0))).toEqual([1, 2]);
    expect(backlog.fresh).toBe(3);
    expect(sequences(backlog.take(9, 0))).toEqual([3, 4, 5]);
    expect(backlog.take(9, 0)).toEqual([]);
    expect(backlog.size).toBe(5);
  });

  it('is settled up to the oldest that is not, or to the newest of all', () => {
    const { backlog, at } = backlogOf({ after: 10 });
    expect(backlog.settledUntil).toBe(10);
    backlog.take(9, 0);
    for (const sequence of [12, 15, 11]) backlog.settle(at(sequence));
    expect(backlog.settledUntil).toBe(12);
    for (const sequence of [13, 14, 14]) backlog.settle(at(sequence));
    expect(backlog.settledUntil).toBe(15);
    expect(backlog.size).toBe(0);
    backlog.add(item(20));
    expect(backlog.settledUntil).toBe(19);
  });

  it('knows where it stands among thousands of which one is never settled', () => {
    const { backlog, at } = backlogOf({ count: 5000 });
    backlog.take(5000, 0);
    for (let sequence = 5000; sequence > 0; sequence--) if (sequence !== 7) backlog.settle(at(sequence));
    expect([backlog.settledUntil, backlog.size]).toEqual([6, 1]);
    backlog.settle(at(7));
    expect([backlog.settledUntil, backlog.size]).toEqual([5000, 0]);
  });

  it('hands nothing over again that was settled meanwhile', () => {
    const { backlog, at } = backlogOf({ count: 2 });
    backlog.take(9, 0);
    backlog.putBack(at(1), 0);
    backlog.settle(at(1));
    expect(backlog.take(9, 50)).toEqual([]);
    expect(backlog.again).toBe(0);
  });

  it('hands over again what is due, before anything new and by sequence', () => {
    const { backlog, at } = backlogOf();
    backlog.take(4, 0);
    backlog.putBack(at(3), 100);
    backlog.putBack(at(1), 100);
    backlog.putBack(at(2), 200);
    expect(backlog.nextDueMs).toBe(100);
    expect(sequences(backlog.take(9, 50))).toEqual([5]);
    expect(sequences(backlog.take(9, 100))).toEqual([1, 3]);
    expect(at(1).delivered).toBe(2);
    expect(backlog.nextDueMs).toBe(200);
    expect(backlog.settledUntil).toBe(0);
  });

  it('in order hands over nothing past what is to come again', () => {
    const { backlog, at } = backlogOf({ inOrder: true });
    backlog.take(3, 0);
    backlog.putBack(at(2), 200);
    backlog.putBack(at(3), 100);
    expect(backlog.take(9, 150)).toEqual([]);
    expect(backlog.nextDueMs).toBe(200);
    expect(sequences(backlog.take(1, 200))).toEqual([2]);
    expect(sequences(backlog.take(9, 200))).toEqual([3, 4, 5]);
  });

  it('puts nothing back that is settled, or waits already', () => {
    const { backlog, at } = backlogOf();
    backlog.putBack(at(1), 0);
    backlog.take(5, 0);
    backlog.settle(at(1));
    backlog.putBack(at(1), 0);
    backlog.putBack(at(2), 0);
    backlog.putBack(at(2), 0);
    expect(sequences(backlog.take(9, 0))).toEqual([2]);
    expect(at(2).delivered).toBe(2);
  });

  it('knows what was handed over and forgotten', () => {
    const { backlog, at } = backlogOf();
    backlog.take(3, 100);
    backlog.settle(at(1));
    at(2).workedOnMs = 300;
    expect(sequences(backlog.abandoned(200))).toEqual([3]);
  });

  it('forgets at the end what would have come again, and in order what is behind it', () => {
    for (const inOrder of [true, false]) {
      const { backlog, at } = backlogOf({ inOrder });
      backlog.take(2, 0);
      backlog.putBack(at(2), 0);
      backlog.forgetAgain();
      expect(sequences(backlog.take(9, 0))).toEqual(inOrder ? [] : [3, 4, 5]);
      expect(backlog.settledUntil).toBe(0);
    }
  });
});
