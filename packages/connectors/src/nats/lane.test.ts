import { describe, expect, it } from 'vitest';
import { HeaderBlock } from '../index.js';
import { Lane, type Pending } from './lane.js';

let next = 0;
function pendingIn(lane: Lane, state: Pending['state'] = 'sent'): Pending {
  const message = { subject: lane.subject, data: new Uint8Array(), headers: new HeaderBlock('') };
  const place = next++;
  const unsettled = { settled: undefined, publisher: undefined, bytes: 0, dueMs: 0, publishedMs: 0, timesSent: 0 };
  const pending: Pending = {
    number: place,
    place,
    message,
    lane,
    state,
    ...unsettled,
    inFront: undefined,
    behind: undefined,
  };
  lane.add(pending);
  return pending;
}

describe('what is pending of a subject', () => {
  it.each([[[0, 1, 2, 3]], [[3, 2, 1, 0]], [[1, 3, 0, 2]], [[2, 0, 3, 1]]])(
    'stays in order, whichever is done with first: %j',
    (order) => {
      const lane = new Lane('a');
      const all = Array.from({ length: 4 }, () => pendingIn(lane));
      let left = all;
      for (const index of order) {
        expect(lane.isEmpty).toBe(false);
        const done = all[index] as Pending;
        lane.remove(done);
        expect([done.inFront, done.behind]).toEqual([undefined, undefined]);
        left = left.filter((pending) => pending !== done);
        expect(lane.all()).toEqual(left);
        const added = pendingIn(lane);
        left = [...left, added];
        expect(lane.all()).toEqual(left);
      }
      for (const pending of left) lane.remove(pending);
      expect(lane.isEmpty).toBe(true);
    },
  );

  it('has no answer yet where one in front was sent, unless that is the one which is tried again', () => {
    const lane = new Lane('a');
    const [first, second, third] = [pendingIn(lane), pendingIn(lane, 'held'), pendingIn(lane)];
    expect([first, second, third].map((pending) => lane.hasUnanswered(pending))).toEqual([false, true, true]);
    lane.refused = first;
    expect(lane.hasUnanswered(third)).toBe(false);
    second.state = 'sent';
    expect(lane.hasUnanswered(third)).toBe(true);
  });
});
