/** How a value is laid out behind its tag (https://protobuf.dev/programming-guides/encoding/). Groups are left to the decoder. */
export const wireTypes = { varint: 0, fixed64: 1, lengthDelimited: 2, group: 3, fixed32: 5 } as const;

/** The most bytes that a varint has. */
const varintBytesMax = 10;

/** Steps over the values of a message without making anything of them. What it takes the decoder takes, too; it may refuse what the decoder takes. */
export class WireCursor {
  bytes: Uint8Array = new Uint8Array();
  at = 0;
  /** Where the content of the last value begins that was stepped over; it ends at `at`. */
  start = 0;

  /** Reads a tag or a length, of up to 28 bits; -1 where there is none. */
  short(end: number): number {
    const { bytes } = this;
    const first = bytes[this.at] as number;
    if (first < 0x80 && this.at < end) {
      this.at++;
      return first;
    }
    let value = 0;
    for (let shift = 0; shift < 28 && this.at < end; shift += 7) {
      const byte = bytes[this.at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }

  /** Steps over a value, which must end where `end` is or before. */
  skip(wireType: number, end: number): boolean {
    this.start = this.at;
    switch (wireType) {
      case wireTypes.varint:
        return this.#skipVarint(end);
      case wireTypes.fixed64:
        this.at += 8;
        return this.at <= end;
      case wireTypes.lengthDelimited: {
        const length = this.short(end);
        this.start = this.at;
        this.at += length;
        return length >= 0 && this.at <= end;
      }
      case wireTypes.fixed32:
        this.at += 4;
        return this.at <= end;
      default:
        return false;
    }
  }

  #skipVarint(end: number): boolean {
    const { bytes } = this;
    const last = Math.min(end, this.at + varintBytesMax);
    while (this.at < last) if ((bytes[this.at++] as number) < 0x80) return true;
    return false;
  }
}
