/** What a pull brings at most, in bytes, where messages are larger than whoever asks for them knew. */
export const pullBytesMax = 16 * 1024 * 1024;

/** What the server says (NATS ADR-13) where the next message is larger than what a pull may still bring, which ends the pull. */
export const isTooLarge = (code: number, description: string): boolean =>
  code === 409 && /^message size exceeds maxbytes/i.test(description);

/** What servers from 2.10 on say where all messages of a pull have come, and not all of its bytes. */
export const isServed = (description: string): boolean => /^batch completed/i.test(description);
