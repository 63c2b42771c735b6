import type protobuf from 'protobufjs';
import { DecodeError } from '../decode-error.js';
import type { FieldCandidates, FieldName } from '../field.js';
import { latin1At } from '../text-at.js';
import { messageBytesMax } from './decoder.js';
import { type FieldReader, fieldReaders } from './field-reader.js';
import { takes, WireCheck } from './wire-check.js';
import { WireCursor } from './wire-cursor.js';
import { type WireField, type WireType, wireTypeOf } from './wire-type.js';

/** Messages with more values at their top level are read whole. */
const occurrencesMax = 1024;

/** The bytes of one message of protobuf; a new object for each, by which it is known again. */
export class ProtobufBytes {
  constructor(readonly bytes: Uint8Array) {}
}

const unread = Symbol('unread');
const nothing: FieldCandidates = { values: [undefined], count: 1 };

/**
 * Where the fields of one message stand in its bytes, so that single ones are decoded without the others. It is in doubt about what is rare: what it does not
 * take is for the decoder. It is used again for the next message.
 */
export class ProtobufFields {
  readonly #wire: WireType;
  readonly #readers: readonly FieldReader[];
  readonly #byName: ReadonlyMap<string, FieldReader>;
  readonly #candidates: readonly { readonly values: unknown[]; readonly count: 1 }[];
  readonly #cursor = new WireCursor();
  readonly #check = new WireCheck();

  #message: ProtobufBytes | undefined;
  #isScanned = false;
  #isValid: boolean | undefined;
  /** The bytes as characters of one byte each, made when first asked for. */
  #latin1: string | undefined;
  /** The values that were read of the message. */
  readonly #values: unknown[];
  /** The last occurrence of each field, or -1. */
  readonly #last: Int32Array;
  #count = 0;
  readonly #fields: WireField[] = [];
  readonly #wireTypes = new Uint8Array(occurrencesMax);
  readonly #tags = new Int32Array(occurrencesMax);
  readonly #starts = new Int32Array(occurrencesMax);
  readonly #ends = new Int32Array(occurrencesMax);

  constructor(type: protobuf.Type) {
    this.#wire = wireTypeOf(type);
    this.#readers = fieldReaders(type);
    this.#byName = new Map(type.fieldsArray.map(({ name }, index) => [name, this.#readers[index] as FieldReader]));
    this.#candidates = this.#readers.map(() => ({ values: [undefined], count: 1 }));
    this.#values = this.#readers.map(() => unread);
    this.#last = new Int32Array(this.#readers.length);
  }

  /** Takes the message; asked again for the same one it knows. True only where the decoder takes all of it. */
  read(message: ProtobufBytes): boolean {
    if (!this.#scan(message)) return false;
    this.#isValid ??= this.#validate(message.bytes);
    return this.#isValid;
  }

  /** The field's value, the same as of the message read whole; undefined where there is none. Of a message that was read. */
  value({ text }: FieldName): unknown {
    const reader = this.#byName.get(text);
    return reader && this.#value(reader);
  }

  /** What `stringifyJson` would write for the field, where that is quick: a text of ASCII, or a number of few digits; undefined elsewhere. Of a message that was read. */
  canonicalText({ text }: FieldName): string | undefined {
    const reader = this.#byName.get(text);
    const last = reader ? (this.#last[reader.index] as number) : -1;
    if (!reader?.writtenAs || last === -1) return undefined;
    const { bytes } = this.#message as ProtobufBytes;
    const [start, end] = [this.#starts[last] as number, this.#ends[last] as number];
    if (reader.writtenAs === 'number') return canonicalNumber(reader.scalar?.(bytes, start, end));
    for (let i = start; i < end; i++) if (isPlain[bytes[i] as number] === 0) return undefined;
    const latin1 = this.#latin1 ?? latin1At(bytes, 0, bytes.length);
    this.#latin1 = latin1;
    return `"${latin1.slice(start, end)}"`;
  }

  /** The value that a field has if the decoder takes the message, whose other fields are not looked at; undefined where that is not plain to see. */
  candidates(message: ProtobufBytes, { text }: FieldName): FieldCandidates | undefined {
    if (!this.#scan(message)) return undefined;
    const reader = this.#byName.get(text);
    if (!reader) return nothing;
    try {
      const candidates = this.#candidates[reader.index] as { readonly values: unknown[]; readonly count: 1 };
      candidates.values[0] = this.#value(reader);
      return candidates;
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  #scan(message: ProtobufBytes): boolean {
    if (this.#message !== message) {
      this.#message = message;
      this.#isValid = undefined;
      this.#latin1 = undefined;
      for (let i = 0; i < this.#values.length; i++) this.#values[i] = unread;
      this.#isScanned = message.bytes.length <= messageBytesMax && this.#note(message.bytes);
    }
    return this.#isScanned;
  }

  /** Notes where the values stand. */
  #note(bytes: Uint8Array): boolean {
    const end = bytes.length;
    const cursor = this.#cursor;
    cursor.bytes = bytes;
    cursor.at = 0;
    for (let i = 0; i < this.#last.length; i++) this.#last[i] = -1;
    this.#count = 0;
    while (cursor.at < end) {
      const tagAt = cursor.at;
      const tag = cursor.short(end);
      const wireType = tag & 7;
      // A field number of 0 is refused.
      if (tag < 8 || !cursor.skip(wireType, end)) return false;
      const field = this.#wire.fields.get(tag >>> 3);
      if (field === undefined || !takes(field, wireType)) continue;
      const i = this.#count++;
      if (i === occurrencesMax) return false;
      this.#fields[i] = field;
      this.#wireTypes[i] = wireType;
      this.#tags[i] = tagAt;
      this.#starts[i] = cursor.start;
      this.#ends[i] = cursor.at;
      this.#last[field.index] = i;
    }
    return true;
  }

  #validate(bytes: Uint8Array): boolean {
    if (this.#wire.isOpaque) return false;
    this.#check.begin(bytes);
    let seen = 0;
    for (let i = 0; i < this.#count; i++) {
      const field = this.#fields[i] as WireField;
      if (field.isOnce && seen & field.bit) return false;
      seen |= field.bit;
      const [start, end] = [this.#starts[i] as number, this.#ends[i] as number];
      if (!this.#check.isValue(field, this.#wireTypes[i] as number, start, end)) return false;
    }
    return (seen & this.#wire.required) === this.#wire.required;
  }

  #value(reader: FieldReader): unknown {
    let value = this.#values[reader.index];
    if (value === unread) {
      value = this.#read(reader);
      this.#values[reader.index] = value;
    }
    return value;
  }

  #read(reader: FieldReader): unknown {
    const last = this.#last[reader.index] as number;
    const bytes = (this.#message as ProtobufBytes).bytes;
    if (last === -1) return reader.absent();
    if (!reader.scalar) return reader.decode(this.#occurrences(bytes, reader.group));
    return reader.scalar(bytes, this.#starts[last] as number, this.#ends[last] as number);
  }

  /** All occurrences of some fields as they stand in the message. */
  #occurrences(bytes: Uint8Array, group: ReadonlySet<number>): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < this.#count; i++) {
      if (!group.has((this.#fields[i] as WireField).index)) continue;
      const start = this.#tags[i] as number;
      // What stands between two of them is nothing that is known.
      while (i + 1 < this.#count && group.has((this.#fields[i + 1] as WireField).index)) i++;
      parts.push(bytes.subarray(start, this.#ends[i]));
    }
    if (parts.length === 1) return parts[0] as Uint8Array;
    // The decoder reads texts of a Buffer otherwise than those of other bytes.
    const joined = Buffer.concat(parts);
    return Buffer.isBuffer(bytes) ? joined : new Uint8Array(joined.buffer, joined.byteOffset, joined.length);
  }
}

const digitsMax = 15;

/** Without an exponent, and exact whatever it is read as. */
function canonicalNumber(value: unknown): string | undefined {
  if (typeof value !== 'number' || Object.is(value, -0)) return undefined;
  const size = Math.abs(value);
  if (size !== 0 && !(size >= 1e-6 && size < 1e15)) return undefined;
  const text = `${value}`;
  return text.length <= digitsMax ? text : undefined;
}

/** Which bytes JSON has as they are in a text. */
const isPlain = new Uint8Array(256).fill(1, 0x20, 0x7f);
isPlain[0x22] = 0;
isPlain[0x5c] = 0;
