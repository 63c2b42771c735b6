import type { Message } from '@laminar/codecs';
import { isPublishableSubject } from '@laminar/protocol';
import type { OutputRow } from '../contract.js';
import { RowError } from '../errors.js';

/**
 * Where the answer to a request goes. Throws `RowError` for a message that is none, and for a requester who would have the mesh publish what belongs
 * to NATS or to the mesh.
 */
export function replySubject({ reply }: Message): string {
  if (reply === undefined)
    throw new RowError('no_reply_subject', 'nobody waits for a reply: the message came without a reply subject');
  if (!isPublishableSubject(reply))
    throw new RowError('invalid_subject', 'the reply subject of the request is none that may be published to');
  return reply;
}

/** The rows as replies. A row may name the subject, which has to be the one that the request named: data cannot send a reply elsewhere. */
export function replies(rows: readonly OutputRow[], reply: string): readonly OutputRow[] {
  return rows.map((row) => {
    if (row.subject === undefined) return { ...row, subject: reply };
    if (row.subject === reply) return row;
    throw new RowError('invalid_subject', 'a reply goes to the reply subject of its request, and to no other');
  });
}
