import protobuf from 'protobufjs';
import { wellKnownConverter } from './well-known.js';
import { wireTypes } from './wire-cursor.js';

/** What of a message type decides whether bytes are such a message. */
export interface WireType {
  readonly fields: WireFields;
  /** The bits of the fields that every message has. */
  required: number;
  /** Too many fields have a bit: such messages are left to the decoder. */
  isOpaque: boolean;
  /** Throws for values out of their range; undefined where every value is in it. */
  readonly decode: ((reader: protobuf.Reader, length: number) => void) | undefined;
}

/** A field, or one of the two of a map's entry. */
export interface WireField {
  /** Its place among the fields of its type. */
  readonly index: number;
  /** Of one value. */
  readonly wireType: number;
  /** Values may as well come one behind the other, with one length. */
  readonly isPackable: boolean;
  readonly isText: boolean;
  /** Of a message or a map's entry. */
  readonly message: WireType | undefined;
  /** Marks it among the fields that were seen of a message, where that is asked for; else 0. */
  readonly bit: number;
  /** A second one would be merged with the first: that is left to the decoder. */
  readonly isOnce: boolean;
}

/** The wire types of a type and of all that it refers to. */
export function wireTypeOf(type: protobuf.Type): WireType {
  return made(type, new Map());
}

/** Fields by their numbers; those of usual numbers are found in an array. */
export class WireFields {
  readonly #near: (WireField | undefined)[] = [];
  readonly #far = new Map<number, WireField>();

  add(id: number, field: WireField): void {
    if (id > nearMax) this.#far.set(id, field);
    else {
      while (this.#near.length <= id) this.#near.push(undefined);
      this.#near[id] = field;
    }
  }

  get(id: number): WireField | undefined {
    return id < this.#near.length ? this.#near[id] : this.#far.size === 0 ? undefined : this.#far.get(id);
  }
}

const nearMax = 255;
const bitsMax = 31;

type Known = Map<protobuf.Type, WireType>;

function made(type: protobuf.Type, known: Known): WireType {
  const before = known.get(type);
  if (before) return before;
  const wire: WireType = { fields: new WireFields(), required: 0, isOpaque: false, decode: rangedDecode(type) };
  // A message may hold messages of its own type: it is known before its fields are.
  known.set(type, wire);
  let bits = 0;
  for (const [index, field] of type.fieldsArray.entries()) {
    const isOnce = !field.repeated && !field.map && field.resolvedType instanceof protobuf.Type;
    let bit = 0;
    if (isOnce || field.required) {
      wire.isOpaque ||= bits === bitsMax;
      bit = 1 << (bits++ % bitsMax);
    }
    if (field.required) wire.required |= bit;
    // A required enum may have a value that its type does not know, and is then missing.
    const isCounted = isOnce || !(field.resolvedType instanceof protobuf.Enum);
    wire.fields.add(field.id, {
      index,
      wireType: field.map ? wireTypes.lengthDelimited : valueWireType(field),
      isPackable: field.repeated && !field.map && basicWireType(field) !== undefined && !isSized(field),
      isText: !field.map && field.type === 'string',
      message: field instanceof protobuf.MapField ? entryOf(field, known) : messageOf(field, known),
      bit: isCounted ? bit : 0,
      isOnce,
    });
  }
  return wire;
}

/** A map is a list of messages with a key and a value. */
function entryOf(field: protobuf.MapField, known: Known): WireType {
  const fields = new WireFields();
  const plain = { isPackable: false, isOnce: true };
  const keyWireType = protobuf.types.mapKey[field.keyType as keyof typeof protobuf.types.mapKey];
  const isText = field.keyType === 'string';
  fields.add(1, { ...plain, index: 0, wireType: keyWireType, isText, message: undefined, bit: 1 });
  const message = messageOf(field, known);
  fields.add(2, {
    ...plain,
    index: 1,
    wireType: valueWireType(field),
    isText: field.type === 'string',
    message,
    bit: 2,
  });
  return { fields, required: 0, isOpaque: false, decode: undefined };
}

const messageOf = ({ resolvedType }: Pick<protobuf.Field, 'resolvedType'>, known: Known): WireType | undefined =>
  resolvedType instanceof protobuf.Type ? made(resolvedType, known) : undefined;

type ValueType = Pick<protobuf.Field, 'type' | 'resolvedType'>;

function valueWireType(field: ValueType & { readonly delimited?: boolean }): number {
  return basicWireType(field) ?? (field.delimited ? wireTypes.group : wireTypes.lengthDelimited);
}

/** Undefined for messages. */
function basicWireType({ type, resolvedType }: ValueType): number | undefined {
  if (resolvedType instanceof protobuf.Enum) return wireTypes.varint;
  return protobuf.types.basic[type as keyof typeof protobuf.types.basic];
}

const isSized = (field: ValueType): boolean => basicWireType(field) === wireTypes.lengthDelimited;

const ranged: ReadonlySet<string> = new Set(['.google.protobuf.Timestamp', '.google.protobuf.Duration']);

function rangedDecode(type: protobuf.Type): WireType['decode'] {
  const convert = ranged.has(type.fullName) ? wellKnownConverter(type) : undefined;
  return convert && ((reader, length) => convert(type.decode(reader, length)));
}
