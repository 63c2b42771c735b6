import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
/** The first byte of what is stored; another one is another form. */
const form = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + nonceBytes + tagBytes;

/** A stored value that this key does not open: it was sealed with another key or for another secret, or is damaged. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

/** Which value of which secret it is; a sealed value opens as no other one. */
export interface ValueId {
  readonly name: string;
  readonly valueId: string;
}

/** The value as it is stored: form, nonce, tag and cipher text by AES-256-GCM. `key` has 32 bytes. */
export function sealSecret(key: Uint8Array, of: ValueId, value: string): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(associatedData(of));
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return Buffer.concat([Uint8Array.of(form), nonce, cipher.getAuthTag(), sealed]);
}

/** The value again. Throws `SealBroken`. */
export function openSecret(key: Uint8Array, of: ValueId, stored: Uint8Array): string {
  if (stored.length < headBytes || stored[0] !== form) throw new SealBroken('it is not in a form that is known here');
  const decipher = createDecipheriv(algorithm, key, stored.subarray(1, 1 + nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(associatedData(of));
  decipher.setAuthTag(stored.subarray(1 + nonceBytes, headBytes));
  try {
    return Buffer.concat([decipher.update(stored.subarray(headBytes)), decipher.final()]).toString('utf8');
  } catch (error) {
    throw new SealBroken('it was sealed with another key, or is damaged', { cause: error });
  }
}

const associatedData = ({ name, valueId }: ValueId): Uint8Array => Buffer.from(`laminar secret ${name} ${valueId}`);
