import fc from 'fast-check';
import type protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../decode-error.js';
import { stringifyJson } from '../json.js';
import { protobufCodec } from './codec.js';
import { InvalidDescriptor } from './descriptor-set.js';
import { compiled } from './testing.js';

/** What the codec gives for a message `M` that protobufjs wrote from `value`. */
function decode(fields: string, value: { [name: string]: unknown }, edition = 'proto3'): unknown {
  const { root, descriptor } = compiled(fields.includes('message M') ? fields : `message M { ${fields} }`, edition);
  const type = root.lookupType('com.example.M');
  return protobufCodec(descriptor, 'com.example.M').decode(type.encode(type.fromObject(value)).finish());
}

describe('protobuf', () => {
  it('keeps every digit of integers of 64 bits, signed or not', () => {
    const { root, descriptor } = compiled(
      'message M { int64 a = 1; uint64 b = 2; sint64 c = 3; fixed64 d = 4; sfixed64 e = 5; repeated int64 f = 6; }',
    );
    const type = root.lookupType('com.example.M');
    const codec = protobufCodec(descriptor, '.com.example.M');
    const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(signed, unsigned, signed, unsigned, signed, fc.array(signed), (a, b, c, d, e, f) => {
        const texts = { a: `${a}`, b: `${b}`, c: `${c}`, d: `${d}`, e: `${e}`, f: f.map(String) };
        const value = codec.decode(type.encode(type.fromObject(texts)).finish());
        expect(stringifyJson(value)).toBe(`{"a":${a},"b":${b},"c":${c},"d":${d},"e":${e},"f":[${f}]}`);
      }),
    );
    const edges = [2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n), 1n - 2n ** 53n, 2n ** 53n + 1n];
    const read = codec.decode(type.encode(type.fromObject({ f: edges.map(String) })).finish()) as { f: unknown[] };
    expect(read.f.map((value) => BigInt(value as number))).toEqual(edges);
    expect(read.f.every((value) => typeof value === 'bigint' || Number.isSafeInteger(value))).toBe(true);
  });

  it('reads scalars, enums by name, bytes in base64, maps, lists, oneofs and nested messages', () => {
    const fields = `
      enum Kind { NONE = 0; ORDER = 1; }
      message Part { string part_name = 1; M whole = 2; }
      int32 i = 1; bool b = 2; string s = 3; bytes raw = 4; Kind kind = 5; repeated Kind kinds = 6;
      map<string, int64> counts = 7; map<int64, string> by_id = 8; map<bool, Part> parts = 9;
      oneof choice { string text = 10; int32 number = 11; } Part part = 12; float f = 13; double d = 14;`;
    expect(
      decode(fields, {
        i: -5,
        b: true,
        s: 'Grüße',
        raw: Buffer.from([0, 255]),
        kind: 'ORDER',
        kinds: [0, 1, 7],
        counts: { a: '9007199254740993', __proto__x: 1 },
        by_id: { '-5': 'five', '9223372036854775807': 'max' },
        parts: { true: { part_name: 'p' } },
        number: 0,
        part: { part_name: 'inner', whole: { s: 'deep' } },
        f: 0.1,
        d: 0.1,
      }),
    ).toMatchObject({
      i: -5,
      b: true,
      s: 'Grüße',
      raw: 'AP8=',
      kind: 'ORDER',
      kinds: ['NONE', 'ORDER', 7],
      counts: { a: 9007199254740993n },
      by_id: { '-5': 'five', '9223372036854775807': 'max' },
      parts: { true: { part_name: 'p' } },
      number: 0,
      part: { part_name: 'inner', whole: { s: 'deep' } },
      f: 0.1,
      d: 0.1,
    });
  });

  it('has defaults for fields without presence, and nothing for those with presence', () => {
    const proto3 = `int32 i = 1; string s = 2; bytes b = 3; repeated int32 list = 4; map<string, int32> map = 5; int64 big = 6; enum E { ZERO = 0; } E e = 7;
      optional int32 maybe = 8; oneof one { string a = 9; } M child = 10;`;
    expect(decode(proto3, {})).toEqual({ i: 0, s: '', b: '', list: [], map: {}, big: 0, e: 'ZERO' });
    expect(decode(proto3, { maybe: 0, a: '', child: { i: 1 } })).toMatchObject({ maybe: 0, a: '', child: { i: 1 } });
    expect(decode('optional int32 i = 1; repeated string s = 2;', {}, 'proto2')).toEqual({ s: [] });
  });

  it('reads the well-known types as the JSON mapping has them', () => {
    const fields = `
      google.protobuf.Timestamp at = 1; google.protobuf.Duration took = 2; google.protobuf.Int64Value big = 3; google.protobuf.StringValue text = 4;
      google.protobuf.Struct struct = 5; google.protobuf.Any any = 6; google.protobuf.ListValue list = 7; google.protobuf.BoolValue no = 8;
      google.protobuf.FieldMask mask = 9; google.protobuf.BytesValue bytes = 10;`;
    expect(
      decode(fields, {
        at: { seconds: 1774747800, nanos: 500_000_000 },
        took: { seconds: -1, nanos: -5000 },
        big: { value: '9007199254740993' },
        text: { value: '' },
        struct: {
          fields: {
            n: { numberValue: 1.5 },
            none: { nullValue: 0 },
            list: { listValue: { values: [{ stringValue: 'x' }, { boolValue: false }] } },
            inner: { structValue: { fields: { deep: { boolValue: true } } } },
          },
        },
        any: { type_url: 'type.googleapis.com/x.Y', value: Buffer.from('hi') },
        list: { values: [{ numberValue: 0 }] },
        no: {},
        mask: { paths: ['a.b', 'c'] },
        bytes: { value: Buffer.from([1]) },
      }),
    ).toEqual({
      at: '2026-03-29T01:30:00.500Z',
      took: '-1.000005s',
      big: 9007199254740993n,
      text: '',
      struct: { n: 1.5, none: null, list: ['x', false], inner: { deep: true } },
      any: { type: 'type.googleapis.com/x.Y', value: 'aGk=' },
      list: [0],
      no: false,
      mask: 'a.b,c',
      bytes: 'AQ==',
    });
    expect(decode('google.protobuf.Timestamp at = 1;', {})).toEqual({});
    expect(() => decode('google.protobuf.Timestamp at = 1;', { at: { seconds: '253402300800' } })).toThrow(DecodeError);
    expect(() => decode('google.protobuf.Duration d = 1;', { d: { seconds: 1, nanos: -1 } })).toThrow(/Duration/);
  });

  it('writes NaN and the infinities as texts', () => {
    expect(decode('double d = 1; repeated float f = 2;', { d: Number.NaN, f: [Infinity, -Infinity] })).toEqual({
      d: 'NaN',
      f: ['Infinity', '-Infinity'],
    });
  });

  it('ignores fields that the descriptor does not know', () => {
    const { root } = compiled(
      'message Old { string id = 1; } message New { string id = 1; string more = 2; Old old = 3; }',
    );
    const { descriptor } = compiled('message M { string id = 1; }');
    const newer = root.lookupType('com.example.New');
    const bytes = newer.encode({ id: 'x', more: 'y', old: { id: 'z' } }).finish();
    expect(protobufCodec(descriptor, 'com.example.M').decode(bytes)).toEqual({ id: 'x' });
  });

  it('leaves prototypes alone, whatever fields and keys are called', () => {
    const value = decode('string constructor = 1; map<string, string> map = 2; string toString = 3;', {
      constructor: 'c',
      map: JSON.parse('{"__proto__":"p","constructor":"k"}'),
      toString: 's',
    }) as { map: object };
    expect(value).toMatchObject({ constructor: 'c', toString: 's' });
    expect(Object.entries(value.map)).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'k'],
    ]);
    expect(Object.getPrototypeOf(value.map)).toBe(Object.prototype);
  });
});

describe('a message that does not match', () => {
  const { root, descriptor } = compiled('message M { string s = 1; M m = 2; repeated int32 packed = 3; }');
  const codec = protobufCodec(descriptor, 'com.example.M');
  const type = root.lookupType('com.example.M');

  it.each([
    ['JSON', Buffer.from('{"s":"secret"}')],
    ['a text', Buffer.from('hello, secret')],
    ['one that is cut', type.encode({ s: 'secret secret' }).finish().subarray(0, 8)],
    ['bytes that are no UTF-8', Buffer.from([0x0a, 0x01, 0xff])],
    ['an endless number', Buffer.from([0x18, ...Array.from({ length: 20 }, () => 0xff)])],
    ['one that is too large', new Uint8Array(9 * 1024 * 1024)],
  ])('is undecodable: %s', (_, data) => {
    expect(() => codec.decode(data)).toThrow(DecodeError);
    expect(() => codec.decode(data)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });

  it('is one that is nested too deeply', () => {
    let nested = new Uint8Array();
    for (let depth = 0; depth < 200; depth++)
      nested = type.encode({}).uint32(18).bytes(nested).finish() as Uint8Array<ArrayBuffer>;
    expect(() => codec.decode(nested)).toThrow(/depth/);
  });

  it('never is anything but a value or a DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (data) => {
        try {
          expect(codec.decode(data)).toBeTypeOf('object');
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('lacks a field that proto2 requires', () => {
    const { descriptor } = compiled('message M { required string s = 1; }', 'proto2');
    expect(() => protobufCodec(descriptor, 'com.example.M').decode(new Uint8Array())).toThrow(/required 's'/);
  });
});

describe('a descriptor', () => {
  it.each([
    ['nothing', new Uint8Array()],
    ['a text', Buffer.from('syntax = "proto3"; message M {}')],
    ['JSON', Buffer.from('{"file":[]}')],
    ['noise', Buffer.from([0xff, 0x00, 0x13])],
    ['one that is cut', compiled('message M { string s = 1; }').descriptor.subarray(0, 40)],
  ])('is refused: %s', (_, bytes) => {
    expect(() => protobufCodec(bytes, 'com.example.M')).toThrow(InvalidDescriptor);
  });

  it('says which messages it has where it lacks the one that is asked for', () => {
    const { descriptor } = compiled('message Order { message Item {} } enum Kind { ZERO = 0; }');
    for (const name of ['com.example.Event', 'Order', 'com.example.Kind', 'com.example'])
      expect(() => protobufCodec(descriptor, name)).toThrow(
        /has no message.*com\.example\.Order, com\.example\.Order\.Item/s,
      );
    expect(protobufCodec(descriptor, 'com.example.Order.Item').decode(new Uint8Array())).toEqual({});
  });

  it('that lacks what it imports says how to write it', () => {
    const set = compiled('message M { google.protobuf.Timestamp at = 1; }').root.toDescriptor('proto3');
    const file = set.file?.filter((one) => one.package !== 'google.protobuf') ?? [];
    const bytes = (set.$type as protobuf.Type).encode({ file }).finish();
    expect(() => protobufCodec(bytes, 'com.example.M')).toThrow(/lacks .*Timestamp.*--include_imports/);
  });

  it('cannot smuggle code into the decoder', () => {
    const set = compiled('message M { string s = 1; }').root.toDescriptor('proto3');
    const field = set.file?.find((one) => one.package === 'com.example')?.messageType?.[0]?.field?.[0];
    if (!field) throw new Error('the descriptor has no field');
    field.name = 's"];globalThis.smuggled=1;//';
    const bytes = (set.$type as protobuf.Type).encode(set).finish();
    expect(() => protobufCodec(bytes, 'com.example.M')).toThrow(InvalidDescriptor);
  });
});
