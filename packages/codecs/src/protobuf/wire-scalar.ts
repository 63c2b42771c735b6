/** The values of the commonest scalars where they stand in a message; all of them were stepped over before, so that they are whole. */

const eight = new DataView(new ArrayBuffer(8));

/** The lower 32 bits of a varint, signed: what is above them does not count. */
export function int32At(bytes: Uint8Array, start: number): number {
  let value = 0;
  let at = start;
  for (let shift = 0; shift < 32; shift += 7) {
    const byte = bytes[at++] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

export function doubleAt(bytes: Uint8Array, start: number): number {
  for (let i = 0; i < 8; i++) eight.setUint8(i, bytes[start + i] as number);
  return eight.getFloat64(0, true);
}
