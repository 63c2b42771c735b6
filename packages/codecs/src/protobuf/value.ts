import protobuf from 'protobufjs';
import { base64, double, integer, shortestFloat } from './scalars.js';
import { type ConvertMessage, wellKnownConverter } from './well-known.js';

/** A decoded value in the form in which JSON would have it. */
type Convert = (value: never) => unknown;

/** How messages of a type are converted; made once per type, with those that it refers to. */
export function messageConverter(type: protobuf.Type): ConvertMessage {
  return converterOf(type, new Map());
}

type Known = Map<protobuf.Type, ConvertMessage>;

function converterOf(type: protobuf.Type, known: Known): ConvertMessage {
  const made = known.get(type) ?? wellKnownConverter(type);
  if (made) return made;
  const fields: FieldConverter[] = [];
  const convert: ConvertMessage = (message) => {
    const value: { [name: string]: unknown } = {};
    for (const field of fields) field(message, value);
    return value;
  };
  // A message may hold messages of its own type: it is known before its fields are.
  known.set(type, convert);
  for (const field of type.fieldsArray) fields.push(fieldConverter(field, known));
  return convert;
}

/** The value of one field of a message; undefined where it has none. */
export type FieldValue = (message: protobuf.Message) => unknown;

/** How single fields of a type are converted, in the order of `fieldsArray`. */
export function fieldValues(type: protobuf.Type): FieldValue[] {
  const known: Known = new Map();
  return type.fieldsArray.map((field) => fieldValue(field, known));
}

/** How the values of a field are converted, as the decoder gives one of them. */
export function scalarConverter(field: protobuf.Field): (value: unknown) => unknown {
  return valueConverter(field, new Map()) as (value: unknown) => unknown;
}

function fieldValue(field: protobuf.Field, known: Known): FieldValue {
  const { name, hasPresence } = field;
  const convert = convertField(field, known);
  return (message) => {
    // The prototype has the defaults of what a message leaves out.
    if (hasPresence && !Object.hasOwn(message, name)) return undefined;
    const value = (message as unknown as { readonly [name: string]: never })[name];
    return value === undefined || value === null ? undefined : convert(value as never);
  };
}

/** Adds a field of a message to its object. */
type FieldConverter = (message: protobuf.Message, into: { [name: string]: unknown }) => void;

function fieldConverter(field: protobuf.Field, known: Known): FieldConverter {
  const { name } = field;
  const read = fieldValue(field, known);
  const add = name === '__proto__' ? defineMember : setMember;
  return (message, into) => {
    const value = read(message);
    if (value !== undefined) add(into, name, value);
  };
}

function setMember(into: { [name: string]: unknown }, name: string, value: unknown): void {
  into[name] = value;
}

function defineMember(into: object, name: string, value: unknown): void {
  Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true });
}

function convertField(field: protobuf.Field, known: Known): Convert {
  const one = valueConverter(field, known);
  if (field instanceof protobuf.MapField) {
    const keyOf = mapKey(field.keyType);
    return (map: { readonly [key: string]: never }) =>
      Object.fromEntries(Object.entries(map).map(([key, value]) => [keyOf(key), one(value)]));
  }
  return field.repeated ? (list: readonly never[]) => list.map((value) => one(value)) : one;
}

function valueConverter({ type, resolvedType }: protobuf.Field, known: Known): Convert {
  if (resolvedType instanceof protobuf.Type) return converterOf(resolvedType, known) as Convert;
  if (resolvedType instanceof protobuf.Enum) return enumName(resolvedType);
  if (/64$/.test(type)) return integer as Convert;
  if (type === 'bytes') return base64 as Convert;
  if (type === 'float') return (value: number) => double(shortestFloat(value));
  return type === 'double' ? (double as Convert) : same;
}

const same: Convert = (value) => value;

/** A number that no name stands for stays a number, as in protobuf's JSON. `google.protobuf.NullValue` is null. */
function enumName({ fullName, valuesById }: protobuf.Enum): Convert {
  if (fullName === '.google.protobuf.NullValue') return () => null;
  const names = new Map(Object.entries(valuesById).map(([id, name]) => [Number(id), name]));
  return (value: number) => names.get(value) ?? value;
}

/** The decoder keeps keys of 64 bits as their eight bytes. */
function mapKey(keyType: string): (key: string) => string {
  if (!/64$/.test(keyType)) return (key) => key;
  const unsigned = keyType === 'uint64' || keyType === 'fixed64';
  return (key) => String(integer(protobuf.util.longFromHash(key, unsigned)));
}
