import type { Message } from './message.js';

/** Reads the payloads of one format. Chosen once per reader; what it gives is shared by all pipelines over the connection. */
export interface Codec {
  /** The value of a payload, never undefined. Throws `DecodeError`. */
  decode(data: Uint8Array): unknown;
}

/** Reads messages, most of them by their payload alone: every `Codec` is one. `data` is the message's. */
export interface MessageCodec {
  /** The value of a message, never undefined. Throws `DecodeError`. */
  decode(data: Uint8Array, message: Message): unknown;
}
