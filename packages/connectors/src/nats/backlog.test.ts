import { headers, type NatsConnection } from '@nats-io/nats-core';
import { type MsgHdrsImpl, MsgImpl } from '@nats-io/nats-core/internal';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Backlog } from './backlog.js';

// What comes out is read and never answered.
const nc = {} as NatsConnection;

const token = fc.stringMatching(/^[a-z0-9é😀]{1,12}$/u);
const block = fc.option(
  fc.tuple(token, token).map(([name, value]) => ({ name, value })),
  { nil: undefined },
);
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.integer({ min: 0, max: 600_000 }).map((n) => new Uint8Array(n).fill(7)),
);
const arrival = fc.record({
  subject: token,
  reply: fc.option(token, { nil: undefined }),
  header: block,
  data: payload,
  timestampMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
});
type Arrival = typeof arrival extends fc.Arbitrary<infer T> ? T : never;

/** As the client hands it over. */
function messageOf({ subject, reply, header, data }: Arrival): MsgImpl {
  const lines = headers();
  if (header) lines.set(`X-${encodeURIComponent(header.name).replaceAll('%', '-')}`, header.value);
  const encoded = header ? (lines as MsgHdrsImpl).encode() : new Uint8Array();
  const bytes = Buffer.concat([encoded, data]);
  const line = {
    subject: Buffer.from(subject),
    reply: reply === undefined ? undefined : Buffer.from(reply),
    sid: 1,
    hdr: header ? encoded.length : -1,
    size: bytes.length,
  };
  return new MsgImpl(line, bytes, nc);
}

it('gives what it was given, oldest first, however it is filled and emptied', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(arrival, fc.nat({ max: 3 })), { maxLength: 30 }), (steps) => {
      const backlog = new Backlog(nc);
      const expected: Arrival[] = [];
      const takeOne = () => {
        const message = backlog.shift();
        const given = expected.shift();
        if (!given) return expect(message).toBeUndefined();
        const { subject, reply, data, timestampMs } = given;
        expect(message).toMatchObject({ subject, reply, timestampMs });
        expect(Buffer.from(message?.data ?? []).equals(Buffer.from(data))).toBe(true);
        expect(Object.values(message?.headers() ?? {})).toEqual(given.header ? [[given.header.value]] : []);
      };
      for (const [given, takes] of steps) {
        backlog.push(messageOf(given), given.timestampMs);
        expected.push(given);
        expect(backlog.size).toBe(expected.length);
        for (let i = 0; i < takes; i++) takeOne();
      }
      while (expected.length > 0) takeOne();
      takeOne();
      expect(backlog.size).toBe(0);
    }),
    { numRuns: 60 },
  );
});
