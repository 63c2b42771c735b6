import type { Msg } from '@nats-io/nats-core';
import type { MsgArg, MsgImpl } from '@nats-io/nats-core/internal';

/** The line of a message as it travelled, whose subjects the client makes strings of when they are asked for. */
export const lineOf = (message: Msg): MsgArg => (message as MsgImpl)._msg;

/** Whether it has a reply subject, without taking that out of the line. */
export function hasReply(message: Msg): boolean {
  const line = lineOf(message);
  return line instanceof MessageLine ? line.hasReply : line.reply !== undefined;
}

/** What the line of a message says; its subjects are seldom looked at, and not taken out of it before. */
export class MessageLine implements MsgArg {
  readonly #bytes: Uint8Array;
  readonly #subjectAt: number;
  readonly #subjectEnd: number;
  readonly #replyBefore: number;
  readonly #replyEnd: number;

  constructor(
    bytes: Uint8Array,
    subjectAt: number,
    subjectEnd: number,
    replyBefore: number,
    replyEnd: number,
    readonly sid: number,
    readonly hdr: number,
    readonly size: number,
  ) {
    this.#bytes = bytes;
    this.#subjectAt = subjectAt;
    this.#subjectEnd = subjectEnd;
    this.#replyBefore = replyBefore;
    this.#replyEnd = replyEnd;
  }

  get subject(): Uint8Array {
    return this.#bytes.subarray(this.#subjectAt, this.#subjectEnd);
  }

  get reply(): Uint8Array | undefined {
    return this.hasReply ? this.#bytes.subarray(this.#replyBefore + 1, this.#replyEnd) : undefined;
  }

  get hasReply(): boolean {
    // A server that has no reply may write the space behind it all the same.
    return this.#replyEnd > this.#replyBefore + 1;
  }
}
