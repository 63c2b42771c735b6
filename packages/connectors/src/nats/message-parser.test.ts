import { startNats } from '@laminar/test';
import type { NatsConnection, Status } from '@nats-io/nats-core';
import { Kind, type NatsConnectionImpl, Parser, type ParserEvent } from '@nats-io/nats-core/internal';
import { connect } from '@nats-io/transport-node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageParser, parseMessagesOf } from './message-parser.js';

type Parse = (chunk: Uint8Array) => void;

/** What a parser dispatches of the chunks, and whether it refuses what is left; arrays are views, and read at once. */
function dispatched(chunks: readonly Uint8Array[], parserOf: (push: (event: ParserEvent) => void) => Parse): unknown[] {
  const seen: unknown[] = [];
  const parse = parserOf(({ kind, msg, data }) => {
    const { subject, reply, sid, hdr, size } = msg ?? {};
    seen.push({ kind, subject: textOf(subject), reply: textOf(reply), sid, hdr, size, data: textOf(data) });
  });
  try {
    for (const chunk of chunks) parse(chunk);
  } catch {
    // Its text holds what is left of the chunk, and depends on how the bytes are cut.
    seen.push('refused');
  }
  return seen;
}

const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('latin1');
const theirs = (push: (event: ParserEvent) => void): Parse => {
  const parser = new Parser({ push });
  return (chunk) => parser.parse(chunk);
};
const ours = (push: (event: ParserEvent) => void): Parse => {
  const dispatcher = { push };
  const parser = new MessageParser(dispatcher, new Parser(dispatcher));
  return (chunk) => parser.parse(chunk);
};

/** Cuts the bytes at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

const token = fc.string({ unit: fc.constantFrom('a', 'B', '9', '.', '-', '_', '$', 'ä'), minLength: 1, maxLength: 12 });
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom('', '\r\n', 'MSG a 1 0\r\n', 'PING\r\n').map((text) => new Uint8Array(Buffer.from(text))),
  fc.nat({ max: 3000 }).map((size) => new Uint8Array(size).fill(0x7a)),
);
const message = fc
  .record({
    subject: token,
    sid: fc.nat(),
    reply: fc.option(fc.oneof(token, fc.constant(''))),
    headers: fc.option(payload),
    data: payload,
  })
  .map(({ subject, sid, reply, headers, data }) => {
    const to = `${subject} ${sid}${reply === null ? '' : ` ${reply}`}`;
    const size = (headers?.length ?? 0) + data.length;
    const line = headers ? `HMSG ${to} ${headers.length} ${size}\r\n` : `MSG ${to} ${size}\r\n`;
    return Buffer.concat([Buffer.from(line), headers ?? new Uint8Array(0), data, Buffer.from('\r\n')]);
  });
const line = fc
  .constantFrom('PING', 'PONG', '+OK', "-ERR 'Slow Consumer'", 'INFO {"server_id":"MSG"}', 'ping', '-err x')
  .map((text) => Buffer.from(`${text}\r\n`));
/** Not as nats-server writes it: some of it the client takes, some it refuses. */
const odd = fc
  .constantFrom(
    'msg a 1 2\r\nok\r\n',
    'MSG  a  1  2\r\nok\r\n',
    'MSG\ta\t1\t2\r\nok\r\n',
    'MSG a 1 2\nok\r\n',
    'MSG a 1 2\r\nok \r\n',
    'MSG a 1 r 2 \r\nok\r\n',
    'MSG a 1 -1\r\n\r\n',
    'MSG a 1\r\n',
    'MSG a 1 b c 2\r\nok\r\n',
    'MSG a x 2\r\nok\r\n',
    'MSG a 1 99999999999\r\n',
    'MSG a 9999999999999999 0\r\n\r\n',
    'HMSG a 1 3 2\r\nok\r\n',
    'HMSG a 1 2\r\nok\r\n',
    'HMSG a 1 b c 1 2\r\nok\r\n',
    'Hmsg a 1 1 2\r\nok\r\n',
    'MXG a 1 2\r\n',
    'HELLO\r\n',
    '\r\n',
    '?',
  )
  .map((text) => Buffer.from(text));
const places = fc.array(fc.nat(), { maxLength: 12 });

describe('the parser of messages', () => {
  it('dispatches what the parser of the client does, however the bytes are cut', () => {
    const operations = fc.array(fc.oneof({ weight: 4, arbitrary: message }, line), { maxLength: 12 });
    fc.assert(
      fc.property(operations, places, (parts, at) => {
        const bytes = Buffer.concat(parts);
        const seen = dispatched(cut(bytes, at), ours);
        expect(seen).toEqual(dispatched([bytes], theirs));
        expect(seen).toHaveLength(parts.length);
      }),
    );
  });

  it('leaves what a server would not write to the parser of the client, and all that follows', () => {
    const operations = fc.tuple(fc.array(message, { maxLength: 3 }), odd, fc.array(fc.oneof(message, line)));
    fc.assert(
      fc.property(operations, places, ([before, what, after], at) => {
        // An operation is looked at when its line is whole.
        const bytes = Buffer.concat([...before, what, ...after, Buffer.from('\r\n')]);
        expect(dispatched(cut(bytes, at), ours)).toEqual(dispatched([bytes], theirs));
      }),
    );
  });

  it('copies a large message once, in however many pieces it comes', () => {
    const size = 8 * 1024 * 1024;
    const bytes = Buffer.concat([Buffer.from(`MSG big 7 ${size}\r\n`), Buffer.alloc(size, 'x'), Buffer.from('\r\n')]);
    const seen: ParserEvent[] = [];
    const dispatcher = { push: (event: ParserEvent) => void seen.push(event) };
    const parser = new MessageParser(dispatcher, new Parser(dispatcher));
    const backings = new Set<unknown>();
    for (let at = 0; at < bytes.length; at += 1000) parser.parse(bytes.subarray(at, at + 1000));
    for (const { data } of seen) backings.add(data?.buffer);
    expect(seen.map(({ kind, data }) => [kind, data?.length])).toEqual([[Kind.MSG, size]]);
    expect([...backings].map((backing) => (backing as ArrayBuffer).byteLength)).toEqual([bytes.length]);
  });

  it('is not there before the client is between two operations', () => {
    const seen: ParserEvent[] = [];
    const dispatcher = { push: (event: ParserEvent) => void seen.push(event) };
    const rest = new Parser(dispatcher);
    rest.parse(Buffer.from('PI'));
    const parser = new MessageParser(dispatcher, rest);
    parser.parse(Buffer.from('NG\r\nMSG a 1 2\r\nok\r\n'));
    expect(seen.map(({ kind }) => kind)).toEqual([Kind.PING, Kind.MSG]);
  });
});

it('parses what a connection reads, also after a reconnect', async () => {
  const server = await startNats();
  const nc = await connect({ servers: server.url, reconnectTimeWait: 50 });
  try {
    parseMessagesOf(nc);
    const received: string[] = [];
    nc.subscribe('a', { callback: (_, message) => void received.push(message.string()) });
    nc.publish('a', 'before');
    await nc.flush();
    const back = followed(nc, 'reconnect');
    await server.restart();
    await back;
    nc.publish('a', 'after');
    await nc.flush();
    expect(received).toEqual(['before', 'after']);
    expect((nc as NatsConnectionImpl).protocol.parser).toBeInstanceOf(MessageParser);
  } finally {
    await nc.close();
    await server.stop();
  }
});

async function followed(nc: NatsConnection, type: Status['type']): Promise<void> {
  for await (const status of nc.status()) if (status.type === type) return;
}
