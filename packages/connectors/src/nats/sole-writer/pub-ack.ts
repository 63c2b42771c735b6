import type { Msg } from '@nats-io/nats-core';

/** What a stream answers to a message that names the one before it. */
export type PubAck =
  | { readonly kind: 'stored' | 'duplicate' | 'out-of-place' }
  /** The same message can never be stored. */
  | { readonly kind: 'final'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string };

/** Error codes of the JetStream API (nats-server, server/errors.json). */
const outOfPlace: readonly number[] = [10070 /* wrong last message id */, 10071, 10164];
const final: readonly number[] = [
  10054 /* message size exceeds maximum allowed */, 10097 /* header size exceeds maximum allowed of 64k */,
  10060 /* expected stream does not match */,
];
const noResponders = 503;

export function readPubAck(message: Msg): PubAck {
  if (message.data.length === 0) {
    const { code, description } = message.headers ?? { code: 0, description: 'an empty answer' };
    const reason =
      code === noResponders ? 'no stream takes this subject, or JetStream is away' : `${code} ${description}`;
    return { kind: 'later', reason };
  }
  const answer = message.json<{
    readonly duplicate?: boolean;
    readonly error?: { readonly err_code?: number; readonly description?: string };
  }>();
  if (!answer.error) return { kind: answer.duplicate === true ? 'duplicate' : 'stored' };
  const { err_code: code = 0, description: reason = 'the server refused it' } = answer.error;
  if (outOfPlace.includes(code)) return { kind: 'out-of-place' };
  return final.includes(code) ? { kind: 'final', reason } : { kind: 'later', reason };
}
