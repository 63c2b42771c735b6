import type protobuf from 'protobufjs';
import { DecodeError } from '../decode-error.js';

/** Larger messages are refused: a message of protobuf may decode to many times its size. */
export const messageBytesMax = 8 * 1024 * 1024;

/** What protobufjs makes of bytes. It bounds nesting, and checks lengths, UTF-8 and required fields. Throws `DecodeError`. */
export function decodedBy(type: protobuf.Type, reader: protobuf.Reader): protobuf.Message {
  try {
    return type.decode(reader);
  } catch (error) {
    // Its errors name fields and offsets, never values.
    const reason = error instanceof Error ? error.message : String(error);
    throw new DecodeError(`the message is not a valid ${type.fullName.slice(1)}: ${reason}`);
  }
}
