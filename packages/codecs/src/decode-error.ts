/** A message whose bytes are not what its format says. The text never quotes the message. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}
