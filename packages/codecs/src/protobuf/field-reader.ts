import protobuf from 'protobufjs';
import { decodedBy } from './decoder.js';
import { type FieldValue, fieldValues, scalarConverter } from './value.js';

/** How one top-level field is read, by the decoder of the whole message in all cases. */
export interface FieldReader {
  readonly index: number;
  /** Reads a value whose last occurrence is all that counts; undefined for all other fields. */
  readonly scalar: ((reader: protobuf.Reader) => unknown) | undefined;
  /** What a message has that leaves the field out. */
  readonly absent: () => unknown;
  /** The fields that are decoded together for it, by their indices, itself included; what is required is, since nothing is decoded without it. */
  readonly group: ReadonlySet<number>;
  /** What the occurrences of the group give. Throws `DecodeError`. */
  readonly decode: (occurrences: Uint8Array) => unknown;
}

/** The readers of all fields of a type, in the order of `fieldsArray`. */
export function fieldReaders(type: protobuf.Type): FieldReader[] {
  const fields = type.fieldsArray;
  const required = fields.filter((field) => field.required);
  const values = fieldValues(type);
  return fields.map((field, index) => {
    const convertField = values[index] as FieldValue;
    const together = new Set([...required, ...(field.partOf?.fieldsArray ?? []), field]);
    return {
      index,
      scalar: scalarOf(field),
      absent: () => convertField(type.create()),
      group: new Set([...together].map((one) => fields.indexOf(one))),
      decode: (occurrences) => convertField(decodedBy(type, protobuf.Reader.create(occurrences))),
    };
  });
}

/** An enum may be closed, and a member of a oneof is gone where another one follows: those are decoded with all that concerns them. */
function scalarOf(field: protobuf.Field): FieldReader['scalar'] {
  const { type, resolvedType, repeated, map, partOf } = field;
  const isBasic = !resolvedType && protobuf.types.basic[type as keyof typeof protobuf.types.basic] !== undefined;
  if (!isBasic || repeated || map || (partOf && partOf.fieldsArray.length > 1)) return undefined;
  const convert = scalarConverter(field);
  const read = protobuf.Reader.prototype[type as 'string'];
  // A text is read by the class of the reader, which differs for a Buffer.
  if (type === 'string') return (reader) => convert(reader.string());
  return (reader) => convert(read.call(reader));
}
