import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../decode-error.js';
import { FieldName } from '../field.js';
import { stringifyJson } from '../json.js';
import { protobufCodec } from './codec.js';
import { ProtobufBytes, ProtobufFields } from './protobuf-fields.js';
import { compiled } from './testing.js';

const common = `
  enum Kind { NONE = 0; ORDER = 1; BIG = 7; }
  message Part { LABEL string name = 1; LABEL M whole = 2; LABEL google.protobuf.Timestamp at = 3; repeated sint64 sizes = 4; REQUIRED int32 must = 9; }
  LABEL int64 big = 1; LABEL string text = 2; LABEL bytes raw = 3; LABEL Kind kind = 4; repeated Kind kinds = 5; repeated int32 numbers = 6;
  repeated string texts = 7; map<string, int64> counts = 8; map<int64, Part> parts = 9; map<bool, Kind> by_flag = 10; LABEL Part part = 11; repeated Part list = 12;
  oneof choice { string a = 13; int32 b = 14; Part c = 15; google.protobuf.Duration d = 16; Kind e = 17; }
  LABEL google.protobuf.Timestamp at = 18; LABEL google.protobuf.Struct struct = 19; LABEL google.protobuf.Int64Value wrapped = 20; LABEL double ratio = 21;
  LABEL float single = 22; LABEL bool flag = 23; LABEL fixed64 fixed = 24; LABEL sint32 signed = 25; repeated double doubles = 300 [packed = PACKED];
  LABEL google.protobuf.Any any = 26; LABEL google.protobuf.Duration took = 3000; REQUIRED string must = 27; repeated fixed32 fixeds = 28 [packed = PACKED];`;

function schema(edition: 'proto2' | 'proto3', packed: boolean, more: string) {
  const source = common
    .replaceAll('LABEL ', edition === 'proto2' ? 'optional ' : '')
    .replaceAll('REQUIRED ', edition === 'proto2' ? 'required ' : 'optional ')
    .replaceAll('PACKED', String(packed));
  const { root, descriptor } = compiled(`message M { ${source} ${more} }`, edition);
  const type = root.lookupType('com.example.M');
  const codec = protobufCodec(descriptor, 'com.example.M');
  if (!(codec.fields instanceof ProtobufFields)) throw new Error('the codec reads no fields');
  const names = type.fieldsArray.map(({ name }) => name);
  return { type, codec, fields: codec.fields, names };
}

const proto3 = schema('proto3', true, 'optional int32 maybe = 29;');
const schemas = [proto3, schema('proto2', false, 'optional int32 count = 29 [default = 5]; required Kind sure = 30;')];

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const unsigned64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const int32 = fc.integer();
const kind = fc.constantFrom(0, 1, 7, 5);
const optional = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined, freq: 2 });
const few = <T>(one: fc.Arbitrary<T>) => optional(fc.array(one, { maxLength: 3 }));
const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const seconds = fc.oneof({ weight: 40, arbitrary: fc.nat(1e9) }, fc.constantFrom(-5, 400_000_000_000));
const moment = fc.record({ seconds, nanos: fc.constantFrom(0, 0, 0, 5, 1_000) });

/** What gives a message with most kinds of fields; `undefined` leaves one out. */
const { message } = fc.letrec<{ message: object; part: object }>((tie) => ({
  part: fc.record({
    name: optional(text),
    whole: fc.option(tie('message'), { nil: undefined, freq: 3, maxDepth: 1, depthIdentifier: 'message' }),
    at: optional(moment),
    sizes: few(int64),
    must: fc.option(int32, { nil: undefined, freq: 60 }),
  }),
  message: fc
    .tuple(
      fc.record({
        big: optional(int64),
        text: optional(text),
        raw: optional(fc.uint8Array({ maxLength: 5 })),
        kind: optional(kind),
        kinds: few(kind),
        numbers: few(int32),
        texts: few(text),
        counts: optional(fc.dictionary(fc.string({ maxLength: 3 }), int64, { maxKeys: 3 })),
        parts: fc.option(fc.dictionary(fc.constantFrom('1', '-5', '9'), tie('part'), { maxKeys: 2 }), {
          nil: undefined,
          freq: 3,
        }),
        by_flag: optional(fc.dictionary(fc.constantFrom('true', 'false'), kind, { maxKeys: 2 })),
        part: optional(tie('part')),
        list: few(tie('part')),
        at: optional(moment),
        struct: optional(
          fc.constantFrom(
            { fields: { n: { numberValue: 1.5 }, l: { listValue: { values: [{ stringValue: 'x' }] } } } },
            { fields: { none: { nullValue: 0 }, inner: { structValue: { fields: {} } } } },
          ),
        ),
        wrapped: optional(fc.record({ value: int64 })),
        ratio: optional(fc.double()),
        single: optional(fc.float()),
        flag: optional(fc.boolean()),
        fixed: optional(unsigned64),
        signed: optional(int32),
        doubles: few(fc.double()),
        any: optional(fc.constant({ type_url: 'x.Y', value: new Uint8Array([1, 2]) })),
        took: optional(moment),
        fixeds: few(fc.nat()),
        must: fc.option(text, { nil: undefined, freq: 60 }),
        maybe: optional(int32),
        count: optional(int32),
        sure: fc.option(kind, { nil: undefined, freq: 60 }),
      }),
      fc.option(
        fc.oneof(
          text.map((a) => ({ a })),
          int32.map((b) => ({ b })),
          tie('part').map((c) => ({ c })),
          moment.map((d) => ({ d })),
          kind.map((e) => ({ e })),
        ),
        { freq: 3 },
      ),
    )
    .map(([fields, choice]) => defined({ ...fields, ...choice })),
}));

const defined = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));

/** Fields that nobody knows, groups, and known ones with wire types that are not theirs. */
const noise = fc.constantFrom<number[]>(
  ...Array.from({ length: 12 }, () => []),
  [0xa0, 0x1f, 0x05],
  [0xa2, 0x1f, 0x02, 0x01, 0x02],
  [0xa3, 0x1f, 0x08, 0x01, 0xa4, 0x1f],
  [0x0d, 1, 2, 3, 4],
  [0x10, 0x05],
  [0x5b, 0x5c],
  [0x5a, 0x00],
  [0x32, 0x02, 0x01, 0x02],
  [0x30, 0x07],
  [0x20, 0x05],
  [0x70, 0x03],
  [0x00, 0x01],
  [0x08, ...Array.from({ length: 9 }, () => 0xff), 0x01],
  [0x88, 0x80, 0x80, 0x80, 0x00, 0x01],
  [0x42, 0x06, 0x10, 0x01, 0x10, 0x02, 0x18, 0x03],
  [0x4a, 0x04, 0x08, 0x01, 0x12, 0x00],
);

/** Bytes of one message after another, and what happened to them. */
const given = fc
  .record({
    schema: fc.constantFrom(...schemas),
    messages: fc.array(message, { minLength: 1, maxLength: 2 }),
    between: noise,
    after: noise,
    byte: fc.option(fc.tuple(fc.nat(), fc.nat(255)), { freq: 2 }),
    cut: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, fc.nat()),
    isBuffer: fc.boolean(),
  })
  .map(({ schema, messages, between, after, byte, cut, isBuffer }) => {
    const [first, second] = messages.map((one) => schema.type.encode(schema.type.fromObject(one)).finish());
    const bytes = Buffer.concat(
      [first ?? [], Buffer.from(between), second ?? [], Buffer.from(after)].map((part) => Buffer.from(part)),
    );
    if (byte && bytes.length > 0) bytes[byte[0] % bytes.length] = byte[1];
    const data = cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
    return { ...schema, data: isBuffer ? data : new Uint8Array(data) };
  });

/** The message read whole; undefined where the decoder refuses it. */
function whole(codec: ReturnType<typeof protobufCodec>, data: Uint8Array): { [name: string]: unknown } | undefined {
  try {
    return codec.decode(data) as { [name: string]: unknown };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

const ownValue = (of: { readonly [name: string]: unknown }, name: string): unknown =>
  Object.hasOwn(of, name) ? of[name] : undefined;

describe('fields of protobuf', () => {
  it('are those of the message read whole, and none of a message that is refused', () => {
    let taken = 0;
    let refused = 0;
    fc.assert(
      fc.property(given, fc.infiniteStream(fc.nat()), ({ codec, fields, names, data }, picks) => {
        const bytes = new ProtobufBytes(data);
        const expected = whole(codec, data);
        const chosen = [...picks.take(6)].map((pick) => names[pick % names.length] as string);
        const isRead = fields.read(bytes);
        if (expected === undefined) {
          refused++;
          expect(isRead).toBe(false);
        } else {
          for (const name of chosen) {
            const candidates = fields.candidates(bytes, new FieldName(name));
            if (candidates) expect([...candidates.values]).toEqual([ownValue(expected, name)]);
            if (!isRead) continue;
            expect(fields.value(new FieldName(name))).toEqual(ownValue(expected, name));
            const written = fields.canonicalText(new FieldName(name));
            if (written !== undefined) expect(written).toBe(stringifyJson(ownValue(expected, name)));
          }
          if (isRead) taken++;
        }
      }),
      { numRuns: 600 },
    );
    // Both ways were tried; how often is left to chance.
    expect(taken).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(10);
  });

  it('are read of what senders write, without doubt', () => {
    fc.assert(
      fc.property(fc.constantFrom(...schemas), message, ({ codec, fields, type, names }, value) => {
        const data = type.encode(type.fromObject(value)).finish();
        const expected = whole(codec, data);
        // A required enum with a value that is unknown, or none, is the decoder's to judge.
        const isDoubtful = type.fields.sure !== undefined;
        if (!isDoubtful) expect(fields.read(new ProtobufBytes(data))).toBe(expected !== undefined);
        if (expected === undefined || isDoubtful) return;
        for (const name of names) {
          expect(fields.value(new FieldName(name))).toEqual(ownValue(expected, name));
          const written = fields.canonicalText(new FieldName(name));
          if (written !== undefined) expect(written).toBe(stringifyJson(ownValue(expected, name)));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('are written at once where they are short numbers or texts of ASCII without escapes', () => {
    const { type, fields } = proto3;
    const written = (name: string, value: unknown) => {
      const data = type.encode(type.fromObject({ must: '', [name]: value })).finish();
      expect(fields.read(new ProtobufBytes(data))).toBe(true);
      return fields.canonicalText(new FieldName(name));
    };
    expect([written('text', 'a b'), written('ratio', -12.25), written('signed', -7), written('big', '5')]).toEqual([
      '"a b"',
      '-12.25',
      '-7',
      '5',
    ]);
    expect(written('maybe', 0)).toBe('0');
    for (const text of ['"', '\\', '\u007f', 'é', '\n']) expect(written('text', text)).toBeUndefined();
    for (const ratio of [-0, 1e-7, 1e21, 1 / 3, Number.NaN, -1e15]) expect(written('ratio', ratio)).toBeUndefined();
    expect(written('big', '9007199254740993')).toBeUndefined();
  });

  it('are unknown where the schema has none of that name', () => {
    const { fields } = proto3;
    const bytes = new ProtobufBytes(new Uint8Array());
    for (const name of ['nothing', '__proto__', 'toString']) {
      expect(fields.read(bytes)).toBe(true);
      expect(fields.value(new FieldName(name))).toBeUndefined();
      expect(fields.candidates(bytes, new FieldName(name))).toEqual({ values: [undefined], count: 1 });
    }
  });
});

describe('a message of protobuf', () => {
  const { root, descriptor } = compiled('message M { string s = 1; M m = 2; repeated M list = 3; int32 n = 4; }');
  const type = root.lookupType('com.example.M');
  const { fields } = protobufCodec(descriptor, 'com.example.M');
  const read = (data: Uint8Array) => (fields as ProtobufFields).read(new ProtobufBytes(data));

  it('is left to the decoder where it is nested deeply, has very many values, or is large', () => {
    const nested = (depth: number): object => (depth === 0 ? { s: 'x' } : { m: nested(depth - 1) });
    const encoded = (value: object) => type.encode(type.fromObject(value)).finish();
    expect(read(encoded(nested(32)))).toBe(true);
    expect(read(encoded(nested(33)))).toBe(false);
    expect(read(encoded({ list: Array.from({ length: 1024 }, () => ({})) }))).toBe(true);
    expect(read(encoded({ list: Array.from({ length: 1025 }, () => ({})) }))).toBe(false);
    expect(read(new Uint8Array(9 * 1024 * 1024))).toBe(false);
  });

  it('has no fields where its type has a form of its own in JSON', () => {
    const { descriptor } = compiled('message M { google.protobuf.Struct s = 1; }');
    expect(protobufCodec(descriptor, 'google.protobuf.Struct').fields).toBeUndefined();
  });
});
