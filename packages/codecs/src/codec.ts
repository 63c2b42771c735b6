import type { JsonFields } from './json-fields.js';
import type { Message } from './message.js';

/** Reads the payloads of one format. Chosen once per reader; what it gives is shared by all pipelines over the connection. */
export interface Codec {
  /** The value of a payload, never undefined. Throws `DecodeError`. */
  decode(data: Uint8Array): unknown;
  /** What reads single fields of a payload, where it is JSON. */
  readonly fields?: JsonFields;
}

/** Reads messages, most of them by their payload alone: every `Codec` is one. `data` is the message's. */
export interface MessageCodec {
  /** The value of a message, never undefined. Throws `DecodeError`. */
  decode(data: Uint8Array, message: Message): unknown;
  /** What reads single fields of a message, where it is JSON, and nothing but its payload. */
  readonly fields?: JsonFields;
}
