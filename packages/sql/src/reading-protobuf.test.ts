import { DecodeError, type MessageCodec, protobufCodec } from '@laminar/codecs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindQuery, type CompiledQuery, compileQuery, decodedMessage, loadSql, RowError } from './index.js';
import { cases, message, relationsOf } from './testing.js';

beforeAll(loadSql);

const relations = relationsOf([{ kind: 'source', name: 'events', jetstream: false, format: 'protobuf' }]);

/** Fields as they stand on the wire; lengths and numbers are small here. */
const number = (id: number, value: number): number[] => [id << 3, value];
const sized = (id: number, content: readonly number[]): number[] => [(id << 3) | 2, content.length, ...content];
const text = (id: number, value: string): number[] => sized(id, [...Buffer.from(value)]);

const double = (value: number): number[] => [(5 << 3) | 1, ...new Uint8Array(new Float64Array([value]).buffer)];

const label = { optional: 1, repeated: 3 } as const;
const type = { message: 11, string: 9, int32: 5, double: 1 } as const;
const field = (name: string, id: number, kind: number, more: number[] = [], repeats: number = label.optional) =>
  sized(2, [...text(1, name), ...number(3, id), ...number(4, repeats), ...number(5, kind), ...more]);
const fields = [
  ...field('a', 1, type.int32),
  ...field('b', 2, type.string),
  ...field('m', 3, type.message, text(6, '.M')),
  ...field('list', 4, type.int32, [], label.repeated),
  ...field('d', 5, type.double),
];
/** The descriptor set of `message M { int32 a = 1; string b = 2; M m = 3; repeated int32 list = 4; double d = 5; }`; its length takes two bytes. */
const file = [...text(1, 'm.proto'), ...sized(4, [...text(1, 'M'), ...fields]), ...text(12, 'proto3')];
const lazy = protobufCodec(Uint8Array.from([0x0a, (file.length & 0x7f) | 0x80, file.length >> 7, ...file]), 'M');
/** Reads every message whole: what the other way of reading must agree with. */
const whole: MessageCodec = { decode: lazy.decode };

const { content } = fc.letrec<{ content: number[]; one: number[] }>((tie) => ({
  content: fc.array(tie('one'), { maxLength: 4 }).map((parts) => parts.flat()),
  one: fc.oneof(
    { maxDepth: 2 },
    fc.nat(9).map((value) => number(1, value)),
    fc.constantFrom('', 'x', 'é', 'xy', '"', '7').map((value) => text(2, value)),
    fc.nat(9).map((value) => number(4, value)),
    fc.constantFrom(1.5, 0, -0, 1e21, 1e-7, 1 / 3, 123456, Number.NaN).map(double),
    fc.array(fc.nat(9), { maxLength: 3 }).map((values) => sized(4, values)),
    fc.constantFrom(number(9, 1), text(9, 'x'), sized(2, [0xff]), [0x0b, 0x0c], [0x1a, 0x05]),
    tie('content')
      .filter(({ length }) => length < 100)
      .map((inner) => sized(3, inner)),
  ),
}));

const queries = [
  'SELECT a, b FROM events WHERE a > 4',
  "SELECT m FROM events WHERE b LIKE 'x%' AND a < 5",
  "SELECT b, list FROM events WHERE m->>'a' = '3' OR m IS NULL",
  'SELECT payload AS p, a FROM events WHERE a <> 1',
  "SELECT * FROM events WHERE b = 'x'",
  'SELECT 1 / a AS quotient FROM events WHERE 6 / a > 1',
  'SELECT d, a::numeric AS n, b::text AS t, d::double precision AS dp FROM events',
  'SELECT d::numeric AS n, a::text AS t, a::bigint AS i, d::text AS dt, d AS raw FROM events',
  'SELECT c, a FROM events WHERE c IS NULL',
];

type Outcome = { readonly rows: readonly string[] } | { readonly error: string };

function outcome(query: CompiledQuery, decoded: ReturnType<typeof decodedMessage>): Outcome {
  try {
    return { rows: query.process(decoded).map(({ data }) => new TextDecoder().decode(data)) };
  } catch (error) {
    if (error instanceof RowError || error instanceof DecodeError) return { error: error.message };
    throw error;
  }
}

function isDecodable(data: Uint8Array): boolean {
  try {
    lazy.decode(data);
    return true;
  } catch {
    return false;
  }
}

describe('what is read of a message of protobuf', () => {
  it('gives what the message gives that is read whole, to several queries in any order, or lets go what is not valid', () => {
    const compiled = new Map(
      queries.map((sql) => {
        const bound = bindQuery(sql, relations);
        if (bound.status !== 'bound') throw new Error(bound.reason);
        return [sql, compileQuery(bound.query)] as const;
      }),
    );
    fc.assert(
      fc.property(content, fc.shuffledSubarray(queries, { minLength: 1 }), (bytes, chosen) => {
        const data = Uint8Array.from(bytes);
        const decoded = decodedMessage(message(data), lazy);
        for (const sql of chosen) {
          const query = compiled.get(sql) as CompiledQuery;
          const given = outcome(query, decoded);
          if ('rows' in given && given.rows.length === 0 && !isDecodable(data)) continue;
          expect(given).toEqual(outcome(query, decodedMessage(message(data), whole)));
        }
      }),
      { numRuns: cases(1000) },
    );
  });
});
