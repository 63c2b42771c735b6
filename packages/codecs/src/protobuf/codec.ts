import protobuf from 'protobufjs';
import type { Codec } from '../codec.js';
import { DecodeError } from '../decode-error.js';
import { decodedBy, messageBytesMax } from './decoder.js';
import { messageTypeOf } from './descriptor-set.js';
import { ProtobufFields } from './protobuf-fields.js';
import { messageConverter } from './value.js';
import { wellKnownConverter } from './well-known.js';

/**
 * Reads messages of one type, `com.example.Event`, as a descriptor set (`protoc --include_imports --descriptor_set_out`) describes it. Values are those of
 * protobuf's JSON mapping (https://protobuf.dev/programming-guides/json/), but for these: fields have the names of the .proto file; integers of 64 bits are
 * numbers with every digit; `google.protobuf.Any` is `{type, value}` with the value in base64. A field without presence that a message leaves out has its
 * default, one with presence is absent. Unknown fields are ignored. Throws `InvalidDescriptor`.
 */
export function protobufCodec(descriptorSet: Uint8Array, messageName: string): Codec {
  const type = messageTypeOf(descriptorSet, messageName);
  const convert = messageConverter(type);
  // What has a form of its own in JSON has no fields there.
  const fields = wellKnownConverter(type) ? undefined : new ProtobufFields(type);
  return {
    ...(fields && { fields }),
    decode(data) {
      if (data.length > messageBytesMax)
        throw new DecodeError(`the message has ${data.length} bytes; at most ${messageBytesMax} are decoded`);
      const reader = protobuf.Reader.create(data);
      reader.discardUnknown = true;
      return convert(decodedBy(type, reader));
    },
  };
}
