import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs';
import { WireCursor, wireTypes } from './wire-cursor.js';
import type { WireField, WireType } from './wire-type.js';

/** Messages within messages, and entries of maps, that are looked at; deeper ones are left to the decoder. */
const depthMax = 32;
/** Longer texts are checked by native code, for which a view is made. */
const shortTextBytesMax = 192;

/** Says of values that the decoder takes them, without decoding them. It may be in doubt where the decoder is not. */
export class WireCheck {
  readonly #cursor = new WireCursor();
  #bytes: Uint8Array = new Uint8Array();
  #reader: protobuf.Reader | undefined;

  /** Takes the message whose values are asked for. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#cursor.bytes = bytes;
    this.#reader = undefined;
  }

  /** Whether the content of a value that came with this wire type is surely one of its field. */
  isValue(field: WireField, wireType: number, start: number, end: number, depth = 0): boolean {
    if (wireType !== wireTypes.lengthDelimited) return true;
    if (field.message) return this.#isMessage(field.message, start, end, depth + 1);
    if (field.isText) return this.#isText(start, end);
    return !field.isPackable || this.#isPacked(field.wireType, start, end);
  }

  #isMessage(type: WireType, start: number, end: number, depth: number): boolean {
    if (depth > depthMax || type.isOpaque) return false;
    if (type.decode && !this.#isInRange(type.decode, start, end)) return false;
    const cursor = this.#cursor;
    let seen = 0;
    cursor.at = start;
    while (cursor.at < end) {
      const tag = cursor.short(end);
      const wireType = tag & 7;
      // A field number of 0 is refused.
      if (tag < 8 || !cursor.skip(wireType, end)) return false;
      const field = type.fields.get(tag >>> 3);
      if (field === undefined || !takes(field, wireType)) continue;
      if (field.isOnce && seen & field.bit) return false;
      seen |= field.bit;
      if (wireType !== wireTypes.lengthDelimited) continue;
      const next = cursor.at;
      if (!this.isValue(field, wireType, cursor.start, next, depth)) return false;
      cursor.at = next;
    }
    return (seen & type.required) === type.required;
  }

  #isPacked(wireType: number, start: number, end: number): boolean {
    const cursor = this.#cursor;
    cursor.at = start;
    while (cursor.at < end) if (!cursor.skip(wireType, end)) return false;
    return true;
  }

  #isText(start: number, end: number): boolean {
    const bytes = this.#bytes;
    if (end - start <= shortTextBytesMax) {
      let at = start;
      while (at < end && (bytes[at] as number) < 0x80) at++;
      if (at === end) return true;
    }
    return isUtf8(bytes.subarray(start, end));
  }

  #isInRange(decode: (reader: protobuf.Reader, length: number) => void, start: number, end: number): boolean {
    this.#reader ??= protobuf.Reader.create(this.#bytes);
    this.#reader.pos = start;
    try {
      decode(this.#reader, end - start);
      return true;
    } catch {
      // Whatever it is, the decoder will say so, and a reader that failed is not used again.
      this.#reader = undefined;
      return false;
    }
  }
}

/** Whether a value of this wire type is one of the field; else it is one that nobody knows. */
export const takes = ({ wireType, isPackable }: WireField, given: number): boolean =>
  given === wireType || (isPackable && given === wireTypes.lengthDelimited);
