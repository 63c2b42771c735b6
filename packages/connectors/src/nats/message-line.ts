import type { Msg } from '@nats-io/nats-core';
import type { MsgArg, MsgImpl } from '@nats-io/nats-core/internal';

/** The line of a message as it travelled, whose subjects the client makes strings of when they are asked for. */
export const lineOf = (message: Msg): MsgArg => (message as MsgImpl)._msg;
