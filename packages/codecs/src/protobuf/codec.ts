import protobuf from 'protobufjs';
import type { Codec } from '../codec.js';
import { DecodeError } from '../decode-error.js';
import { messageTypeOf } from './descriptor-set.js';
import { messageConverter } from './value.js';

/** Larger messages are refused: a message of protobuf may decode to many times its size. */
const messageBytesMax = 8 * 1024 * 1024;

/**
 * Reads messages of one type, `com.example.Event`, as a descriptor set (`protoc --include_imports --descriptor_set_out`) describes it. Values are those of
 * protobuf's JSON mapping (https://protobuf.dev/programming-guides/json/), but for these: fields have the names of the .proto file; integers of 64 bits are
 * numbers with every digit; `google.protobuf.Any` is `{type, value}` with the value in base64. A field without presence that a message leaves out has its
 * default, one with presence is absent. Unknown fields are ignored. Throws `InvalidDescriptor`.
 */
export function protobufCodec(descriptorSet: Uint8Array, messageName: string): Codec {
  const type = messageTypeOf(descriptorSet, messageName);
  const convert = messageConverter(type);
  return {
    decode(data) {
      if (data.length > messageBytesMax)
        throw new DecodeError(`the message has ${data.length} bytes; at most ${messageBytesMax} are decoded`);
      const reader = protobuf.Reader.create(data);
      reader.discardUnknown = true;
      return convert(decoded(type, reader));
    },
  };
}

/** The decoder bounds nesting, and checks lengths, UTF-8 and required fields. */
function decoded(type: protobuf.Type, reader: protobuf.Reader): protobuf.Message {
  try {
    return type.decode(reader);
  } catch (error) {
    // Its errors name fields and offsets, never values.
    const reason = error instanceof Error ? error.message : String(error);
    throw new DecodeError(`the message is not a valid ${type.fullName.slice(1)}: ${reason}`);
  }
}
