import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Who an `Authorization` header stands for: a short fingerprint of the key that it carries, or undefined where it
 * carries none of `keys`. Takes the same time for every wrong key (RFC 6750).
 */
export function bearerIdentity(header: string | undefined, keys: readonly string[]): string | undefined {
  const key = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (key === undefined) return undefined;
  const given = digest(key);
  let identity: string | undefined;
  for (const known of keys) {
    const wanted = digest(known);
    if (timingSafeEqual(given, wanted)) identity = `key:${wanted.toString('hex').slice(0, 8)}`;
  }
  return identity;
}
