import { describe, expect, it } from 'vitest';
import { deliveredMessage } from '../testing/delivered-message.js';
import { ExplicitAcknowledgement } from './acknowledge-each.js';
import { JetStreamMessage } from './message.js';

const maxAckPending = 100;

function deliver(sequence: number, delivered = 1): JetStreamMessage {
  const reply = `$JS.ACK.S.c.${delivered}.${sequence}.${sequence}.0.0`;
  return new JetStreamMessage(deliveredMessage(reply), 0);
}

/** Messages that came, which are then refused. */
function refuse(each: ExplicitAcknowledgement, from: number, to: number): void {
  for (let sequence = from; sequence <= to; sequence++) {
    const message = deliver(sequence);
    each.received(message);
    each.nak(message, 0);
  }
}

describe('one acknowledgement for each message', () => {
  const explicit = () => new ExplicitAcknowledgement(() => undefined, { maxDeliver: -1, maxAckPending });

  it('knows up to where everything is settled', () => {
    const each = explicit();
    const messages = [3, 5, 9].map((sequence) => deliver(sequence));
    for (const message of messages) each.received(message);
    expect(each.settledThrough).toBe(2);
    each.ack(messages[1] as JetStreamMessage);
    expect(each.settledThrough).toBe(2);
    each.term(messages[0] as JetStreamMessage);
    expect(each.settledThrough).toBe(8);
    each.ack(messages[2] as JetStreamMessage);
    expect(each.settledThrough).toBe(9);
  });

  it('holds nothing of refused messages that come to other readers, however many', () => {
    const each = explicit();
    refuse(each, 1, 50_000);
    expect(each.unacknowledged).toBeLessThanOrEqual(maxAckPending);
    // Others settle them, so that only the server knows.
    expect(each.settledThrough).toBeUndefined();
  });

  it('counts as under way what is not answered', () => {
    const each = explicit();
    const [first, second] = [deliver(1), deliver(2)];
    for (const message of [first, second]) each.received(message);
    expect(each).toMatchObject({ underWay: 2, bytesUnderWay: 20 });
    each.nak(first, 5000);
    expect(each).toMatchObject({ underWay: 1, bytesUnderWay: 10, unacknowledged: 2 });
    each.received(deliver(1, 2));
    // Delivered again while it is worked on.
    each.received(deliver(1, 3));
    expect(each).toMatchObject({ underWay: 2, bytesUnderWay: 20 });
    each.ack(deliver(1, 3));
    each.term(second);
    expect(each).toMatchObject({ underWay: 0, bytesUnderWay: 0 });
    refuse(each, 3, 500);
    expect(each).toMatchObject({ underWay: 0, bytesUnderWay: 0 });
  });

  it('lets go of what the server is done with', () => {
    const each = explicit();
    for (let sequence = 1; sequence <= 50_000; sequence += 50) {
      refuse(each, sequence, sequence + 49);
      each.gone(sequence + 49);
    }
    expect(each.unacknowledged).toBe(0);
    expect(each.settledThrough).toBe(50_000);
  });
});
