import { type Message, parseJson } from '@laminar/codecs';
import type { DecodedMessage } from '../contract.js';

/** A message of JSON, decoded when the first pipeline asks for its value. */
export function decodedMessage(message: Message): DecodedMessage {
  return new JsonMessage(message);
}

class JsonMessage implements DecodedMessage {
  #value: unknown;

  constructor(readonly message: Message) {}

  value(): unknown {
    if (this.#value === undefined) this.#value = parseJson(this.message.data);
    return this.#value;
  }
}
