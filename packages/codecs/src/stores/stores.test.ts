import { describe, expect, it } from 'vitest';
import { DecodeError, jsonCodec, kvEntryCodec, type Message, objectInfoCodec, rawCodec } from '../index.js';

function message(subject: string, payload: string, headers: { readonly [name: string]: string } = {}): Message {
  return {
    data: new TextEncoder().encode(payload),
    subject,
    reply: undefined,
    headers: () => undefined,
    header: (name) => headers[name],
    timestampMs: 0,
    sequence: 1,
    stream: 'S',
    consumer: 'c',
    delivered: 1,
  };
}

describe('an entry of a KV bucket', () => {
  const read = (sent: Message, values = jsonCodec) => kvEntryCodec(values).decode(sent.data, sent);

  it('is a key and the value that its format makes of it', () => {
    expect(read(message('$KV.CONFIG.settings.theme', '{"a":1}'))).toEqual({
      key: 'settings.theme',
      value: { a: 1 },
      operation: 'PUT',
    });
    expect(read(message('$KV.CONFIG.k', 'x'), rawCodec)).toMatchObject({ value: new TextEncoder().encode('x') });
    expect(() => read(message('$KV.CONFIG.k', 'x'))).toThrow(DecodeError);
  });

  it('has its key where the bucket is a mirror, too, whose messages keep the subjects of their origin', () => {
    expect(read(message('$KV.ELSEWHERE.settings.theme', '1'))).toMatchObject({ key: 'settings.theme' });
  });

  it.each([
    ['KV-Operation', 'DEL'],
    ['KV-Operation', 'PURGE'],
    ['Nats-Marker-Reason', 'MaxAge'],
  ])('was deleted where it says so, and has no value: %s %s', (name, value) => {
    expect(read(message('$KV.CONFIG.k', '', { [name]: value }))).toEqual({
      key: 'k',
      value: null,
      operation: 'DELETE',
    });
  });
});

describe('a description of an object', () => {
  const read = (payload: string) => {
    const sent = message('$O.FILES.M.bmFtZQ==', payload);
    return objectInfoCodec.decode(sent.data, sent);
  };

  it('is its name, size, digest and metadata', () => {
    const described = { name: 'a/b.txt', size: 9, chunks: 1, digest: 'SHA-256=x', nuid: 'n', bucket: 'FILES' };
    expect(read(JSON.stringify({ ...described, metadata: { owner: 'ann' } }))).toEqual({
      name: 'a/b.txt',
      size: 9,
      chunks: 1,
      digest: 'SHA-256=x',
      metadata: { owner: 'ann' },
      operation: 'PUT',
    });
    expect(read('{"name":"n","size":9007199254740993,"chunks":1}')).toMatchObject({ size: 9007199254740993n });
  });

  it('says that it was deleted', () => {
    expect(read('{"name":"n","size":0,"chunks":0,"digest":"","deleted":true}')).toEqual({
      name: 'n',
      size: 0,
      chunks: 0,
      digest: null,
      metadata: null,
      operation: 'DELETE',
    });
  });

  it.each(['{}', '[]', '1', 'x', '{"name":"n","size":"9"}', '{"name":"n","size":-1}'])(
    'that is none is refused: %s',
    (payload) => {
      expect(() => read(payload)).toThrow(DecodeError);
    },
  );
});
