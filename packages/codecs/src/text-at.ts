// Taken once: `Buffer` is a getter of the global object, and asking it costs as much as reading a short text.
const { latin1Slice, utf8Slice } = Buffer.prototype;

/** Bytes as characters of one byte each. */
export const latin1At = (bytes: Uint8Array, start: number, end: number): string => latin1Slice.call(bytes, start, end);

/** Bytes of UTF-8 as a text; what is none becomes replacement characters. */
export const utf8At = (bytes: Uint8Array, start: number, end: number): string => utf8Slice.call(bytes, start, end);
