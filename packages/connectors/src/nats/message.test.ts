import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JetStreamMessage } from './message.js';

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
        const message = new JetStreamMessage(
          { subject: 's', data: new Uint8Array(), headers: undefined, reply } as never,
          0,
        );
        expect(message).toMatchObject({ stream, consumer, delivered, sequence, delivery });
        expect(message.timestampMs).toBe(Number(time) / 1e6);
      },
    ),
  );
});
