import { describe, expect, it } from 'vitest';
import { deliveredMessage } from '../testing/delivered-message.js';
import { AllAcknowledgement } from './acknowledge-all.js';
import { JetStreamMessage } from './message.js';

/** A consumer's deliveries, and what was answered: each answer as `<payload> <sequence>/<consumer sequence>`. */
function consumer({ maxDeliver = -1, released = true } = {}) {
  const said: string[] = [];
  let delivery = 0;
  const times = new Map<number, number>();
  const all = new AllAcknowledgement(({ message }, payload) => {
    const [, , , , , sequence, consumerSequence] = (message.reply ?? '').split('.');
    said.push(`${payload} ${sequence}/${consumerSequence}`);
  }, maxDeliver);
  if (released) all.release();
  return {
    all,
    said,
    /** The next delivery is of this sequence; gives the message, and whether it is to be worked on. */
    deliver(sequence: number) {
      const delivered = (times.get(sequence) ?? 0) + 1;
      times.set(sequence, delivered);
      const reply = `$JS.ACK.S.c.${delivered}.${sequence}.${++delivery}.0.0`;
      const message = new JetStreamMessage(deliveredMessage(reply), 0);
      return { message, isNew: all.received(message) };
    },
  };
}

describe('one acknowledgement for all before it', () => {
  it('is of the last message up to which everything is settled', () => {
    const { all, said, deliver } = consumer();
    const [first, second, third] = [deliver(1), deliver(5), deliver(7)].map(({ message }) => message);
    if (!first || !second || !third) throw new Error('there are three');
    all.ack(second);
    expect(said).toEqual([]);
    expect(all.settledThrough).toBe(0);
    all.ack(first);
    expect(said).toEqual(['+ACK 5/2']);
    expect(all.settledThrough).toBe(6);
    // A +TERM would acknowledge all before it as well.
    all.term(third);
    expect(said).toEqual(['+ACK 5/2', '+ACK 7/3']);
    expect(all.settledThrough).toBe(7);
    expect(all.unacknowledged).toBe(0);
  });

  it('is held back by a message that is to come again, and goes by its first delivery then', () => {
    const { all, said, deliver } = consumer();
    const [first, second] = [deliver(1).message, deliver(2).message];
    all.nak(first, 250);
    all.ack(second);
    expect(said).toEqual(['-NAK {"delay":250000000} 1/1']);
    const again = deliver(1);
    expect(again.isNew).toBe(true);
    all.ack(again.message);
    // By its later delivery, 3, the server would not take the acknowledgement of what comes next.
    expect(said.at(-1)).toBe('+ACK 2/2');
    expect(all.unacknowledged).toBe(0);
  });

  it('counts as under way what is not answered', () => {
    const { all, deliver } = consumer();
    const [first, second] = [deliver(1).message, deliver(2).message];
    expect(all).toMatchObject({ underWay: 2, bytesUnderWay: 20 });
    all.nak(first, 250);
    all.ack(second);
    expect(all).toMatchObject({ underWay: 0, bytesUnderWay: 0, unacknowledged: 2 });
    const again = deliver(1);
    deliver(1);
    deliver(2);
    expect(all).toMatchObject({ underWay: 1, bytesUnderWay: 10 });
    all.ack(again.message);
    expect(all).toMatchObject({ underWay: 0, bytesUnderWay: 0, unacknowledged: 0 });
  });

  it('is not held back by a message that the server gives up', () => {
    const { all, said, deliver } = consumer({ maxDeliver: 1 });
    const [first, second] = [deliver(1).message, deliver(2).message];
    all.nak(first, 0);
    all.ack(second);
    expect(said).toEqual(['-NAK 1/1', '+ACK 1/1', '+ACK 2/2']);
  });

  it('is not held back by a message that was to come again and never will', () => {
    const { all, said, deliver } = consumer();
    const messages = [1, 2, 3, 4].map((sequence) => deliver(sequence).message);
    const [first, second, third, fourth] = messages as [
      JetStreamMessage,
      JetStreamMessage,
      JetStreamMessage,
      JetStreamMessage,
    ];
    for (const refused of [first, third]) all.nak(refused, 0);
    all.ack(fourth);
    // What is being worked on is not done, wherever else it is.
    all.gone(2);
    expect(said.filter((answer) => answer.startsWith('+ACK'))).toEqual(['+ACK 1/1']);
    all.ack(second);
    expect(said.at(-1)).toBe('+ACK 2/2');
    expect(all.overdue(0)).toBeUndefined();
    expect(all.overdue(Number.POSITIVE_INFINITY)).toBe(3);
    all.gone(3);
    expect(said.at(-1)).toBe('+ACK 4/4');
    expect(all.overdue(Number.POSITIVE_INFINITY)).toBeUndefined();
    expect(all.unacknowledged).toBe(0);
  });

  it('does not work again on what is settled and waits for others', () => {
    const { all, said, deliver } = consumer();
    const [first, second] = [deliver(1).message, deliver(2).message];
    all.ack(second);
    expect(deliver(2).isNew).toBe(false);
    all.keepAlive(1);
    expect(said).toEqual(['+WPI 2/2']);
    all.ack(first);
    expect(said.at(-1)).toBe('+ACK 2/2');
  });

  it('waits until it is known that nobody else holds messages', () => {
    const { all, said, deliver } = consumer({ released: false });
    all.ack(deliver(10).message);
    expect(said).toEqual([]);
    // What the reader before held comes late, and by a later delivery.
    const late = deliver(4).message;
    all.release();
    expect(said).toEqual([]);
    all.ack(late);
    expect(said).toEqual(['+ACK 10/1']);
  });

  it('is given again where it was lost', () => {
    const { all, said, deliver } = consumer();
    for (const sequence of [1, 2]) all.ack(deliver(sequence).message);
    expect(deliver(2).isNew).toBe(false);
    expect(said).toEqual(['+ACK 1/1', '+ACK 2/2', '+ACK 2/3']);
  });

  it('keeps its place over thousands of messages', () => {
    const { all, said, deliver } = consumer();
    const messages = Array.from({ length: 5000 }, (_, i) => deliver(i + 1).message);
    for (let i = 4999; i > 0; i--) all.ack(messages[i] as JetStreamMessage);
    expect(said).toEqual([]);
    all.ack(messages[0] as JetStreamMessage);
    expect(said).toEqual(['+ACK 5000/5000']);
    all.ack(deliver(5001).message);
    expect(said.at(-1)).toBe('+ACK 5001/5001');
  });
});
