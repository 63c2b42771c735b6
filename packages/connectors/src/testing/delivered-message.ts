import type { Msg } from '@nats-io/nats-core';
import { MsgImpl } from '@nats-io/nats-core/internal';

/** A message of ten bytes as the client hands it over, of a consumer that wants its acknowledgement there. */
export function deliveredMessage(answerTo: string): Msg {
  const data = new Uint8Array(10);
  const line = { subject: Buffer.from('s'), reply: Buffer.from(answerTo), sid: 1, hdr: -1, size: data.length };
  return new MsgImpl(line, data, { publish: () => undefined } as never);
}
