import type { JsonFields } from './json-fields.js';
import type { JsonStep } from './json-path.js';
import type { Message } from './message.js';
import type { ProtobufFields } from './protobuf/protobuf-fields.js';

/** Reads the payloads of one format. Chosen once per reader; what it gives is shared by all pipelines over the connection. */
export interface Codec {
  /** The value of a payload, never undefined. Throws `DecodeError`. */
  decode(data: Uint8Array): unknown;
  /** What reads single fields of a payload, where the format allows it. */
  readonly fields?: JsonFields | ProtobufFields;
}

/** Reads messages, most of them by their payload alone: every `Codec` is one. `data` is the message's. */
export interface MessageCodec {
  /** The value of a message, never undefined. Throws `DecodeError`. */
  decode(data: Uint8Array, message: Message): unknown;
  /** How to come to a member of the value in the payload, where it stands there just as it is, as JSON of a message that decodes; undefined for all others. */
  stepsTo?(member: string, message: Message): readonly JsonStep[] | undefined;
  /** What reads single fields of a message, where the format allows it and the payload is all there is. */
  readonly fields?: JsonFields | ProtobufFields;
}
