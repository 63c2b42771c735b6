import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deliveredMessage } from '../testing/delivered-message.js';
import { JetStreamMessage } from './message.js';
import { timestampMsOf } from './timestamp.js';

const token = fc.stringMatching(/^[A-Za-z0-9_$-]{1,20}$/);
const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const nanoseconds = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n });

it('reads where a message stands of its reply subject, with and without a domain', () => {
  fc.assert(
    fc.property(
      fc.option(fc.tuple(token, token)),
      token,
      token,
      fc.tuple(count, count, count),
      nanoseconds,
      (domain, stream, consumer, [delivered, sequence, delivery], time) => {
        const front = domain ? [...domain] : [];
        const back = domain ? ['random'] : [];
        const reply = ['$JS.ACK', ...front, stream, consumer, delivered, sequence, delivery, time, 7, ...back].join(
          '.',
        );
        const message = new JetStreamMessage(deliveredMessage(reply), 0);
        expect(message).toMatchObject({ stream, consumer, delivered, sequence, delivery, pending: 7 });
        expect(message.timestampMs).toBe(Number(time / 1_000_000n) + Number(time % 1_000_000n) / 1e6);
      },
    ),
  );
});

it('reads nothing of a reply subject that no server wrote, whatever it read before', () => {
  const digits = '1'.repeat(60);
  for (const reply of [digits, `1.${digits}`, `1.1.1.1.${digits}`, `1.1.1.1.x.x.x.x.x.${digits}`]) {
    new JetStreamMessage(deliveredMessage('$JS.ACK.domain.account.s.c.1.2.3.4000000.5.random'), 0);
    const { sequence, delivery, pending } = new JetStreamMessage(deliveredMessage(reply), 0);
    expect({ sequence, delivery, pending }).toEqual({ sequence: 0, delivery: 0, pending: 0 });
  }
});

it('has the same time for a moment as the stream and what it stores', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1_600_000_000_000_000_000n, max: 2_000_000_000_000_000_000n }), (time) => {
      const seconds = new Date(Number(time / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
      const fraction = String(time % 1_000_000_000n)
        .padStart(9, '0')
        .replace(/0+$/, '');
      const reply = `$JS.ACK.s.c.1.1.1.${time}.0`;
      const message = new JetStreamMessage(deliveredMessage(reply), 0);
      expect(timestampMsOf(`${seconds}${fraction === '' ? '' : `.${fraction}`}Z`)).toBe(message.timestampMs);
    }),
  );
});
