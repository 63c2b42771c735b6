import protobuf from 'protobufjs';
import { utf8At } from '../text-at.js';
import { decodedBy } from './decoder.js';
import { double } from './scalars.js';
import { type FieldValue, fieldValues, scalarConverter } from './value.js';
import { doubleAt, int32At } from './wire-scalar.js';

/** How one top-level field is read, the same as of the message read whole. */
export interface FieldReader {
  readonly index: number;
  /** Reads a value whose last occurrence is all that counts, from where its content stands; undefined for all other fields. */
  readonly scalar: ScalarReader | undefined;
  /** What JSON has for such a value, if not bytes and true or false. */
  readonly writtenAs: 'text' | 'number' | undefined;
  /** What a message has that leaves the field out. */
  readonly absent: () => unknown;
  /** The fields that are decoded together for it, by their indices, itself included; what is required is, since nothing is decoded without it. */
  readonly group: ReadonlySet<number>;
  /** What the occurrences of the group give. Throws `DecodeError`. */
  readonly decode: (occurrences: Uint8Array) => unknown;
}

type ScalarReader = (bytes: Uint8Array, start: number, end: number) => unknown;

/** The readers of all fields of a type, in the order of `fieldsArray`. */
export function fieldReaders(type: protobuf.Type): FieldReader[] {
  const fields = type.fieldsArray;
  const required = fields.filter((field) => field.required);
  const values = fieldValues(type);
  return fields.map((field, index) => {
    const convertField = values[index] as FieldValue;
    const together = new Set([...required, ...(field.partOf?.fieldsArray ?? []), field]);
    const scalar = scalarOf(field);
    return {
      index,
      scalar,
      writtenAs: scalar && writtenAs(field.type),
      absent: () => convertField(type.create()),
      group: new Set([...together].map((one) => fields.indexOf(one))),
      decode: (occurrences) => convertField(decodedBy(type, protobuf.Reader.create(occurrences))),
    };
  });
}

const writtenAs = (type: string): FieldReader['writtenAs'] =>
  type === 'string' ? 'text' : type === 'bytes' || type === 'bool' ? undefined : 'number';

/** An enum may be closed, and a member of a oneof is gone where another one follows: those are decoded with all that concerns them. */
function scalarOf(field: protobuf.Field): FieldReader['scalar'] {
  const { type, resolvedType, repeated, map, partOf } = field;
  const isBasic = !resolvedType && protobuf.types.basic[type as keyof typeof protobuf.types.basic] !== undefined;
  if (!isBasic || repeated || map || (partOf && partOf.fieldsArray.length > 1)) return undefined;
  if (type === 'string') return utf8At;
  if (type === 'int32') return int32At;
  if (type === 'double') return (bytes, start) => double(doubleAt(bytes, start));
  const convert = scalarConverter(field);
  if (type === 'bytes') return (bytes, start, end) => convert(bytes.subarray(start, end));
  const read = protobuf.Reader.prototype[type as 'int64'];
  return (bytes, start) => {
    const reader = protobuf.Reader.create(bytes);
    reader.pos = start;
    return convert(read.call(reader));
  };
}
