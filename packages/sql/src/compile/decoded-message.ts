import type { Codec, Message } from '@laminar/codecs';
import type { DecodedMessage } from '../contract.js';

/** A message, decoded by its connection's codec when the first pipeline asks for its value. */
export function decodedMessage(message: Message, codec: Codec): DecodedMessage {
  return new Decoded(message, codec);
}

class Decoded implements DecodedMessage {
  #value: unknown;

  constructor(
    readonly message: Message,
    readonly codec: Codec,
  ) {}

  value(): unknown {
    if (this.#value === undefined) this.#value = this.codec.decode(this.message.data);
    return this.#value;
  }
}
