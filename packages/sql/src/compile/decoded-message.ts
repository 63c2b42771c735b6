import type { Message, MessageCodec } from '@laminar/codecs';
import type { DecodedMessage } from '../contract.js';

/** A message, decoded by its connection's codec when the first pipeline asks for its value. */
export function decodedMessage(message: Message, codec: MessageCodec): DecodedMessage {
  return new Decoded(message, codec);
}

class Decoded implements DecodedMessage {
  #value: unknown;

  constructor(
    readonly message: Message,
    readonly codec: MessageCodec,
  ) {}

  value(): unknown {
    if (this.#value === undefined) this.#value = this.codec.decode(this.message.data, this.message);
    return this.#value;
  }
}
