import type { Msg } from '@nats-io/nats-core';
import { readHeaders } from './message.js';

/** Why JetStream did not store a message. */
export type RefusalKind =
  | 'message_too_large'
  | 'wrong_expectation'
  | 'wrong_stream'
  | 'stream_full'
  | 'subject_full'
  | 'no_stream'
  | 'storage_limit'
  | 'sealed'
  | 'unavailable'
  | 'unknown';

export interface Refusal {
  readonly kind: RefusalKind;
  /** The same message can never be stored; otherwise it may be taken when something else changes. */
  readonly final: boolean;
  /** The server's words, and what to do about it. */
  readonly reason: string;
}

/** What JetStream answered to a publish. */
export type PublishAnswer =
  | { readonly stored: true; readonly duplicate: boolean }
  | ({ readonly stored: false } & Refusal);

interface Row {
  readonly final: boolean;
  readonly advice: string;
}

const rows: { readonly [kind in RefusalKind]: Row } = {
  message_too_large: { final: true, advice: 'make the row smaller, or raise max_msg_size of the stream' },
  wrong_expectation: { final: true, advice: 'somebody else has written to the stream' },
  wrong_stream: { final: true, advice: 'another stream takes the subject than the one that is meant' },
  stream_full: { final: false, advice: 'make room in the stream, raise its limits, or let it discard old messages' },
  subject_full: {
    final: false,
    advice: 'remove messages of this subject, or raise max_msgs_per_subject of the stream',
  },
  no_stream: { final: false, advice: 'create a stream with this subject, or see whether JetStream is there' },
  storage_limit: { final: false, advice: 'free storage, or raise the limits of the account or server' },
  sealed: { final: false, advice: 'a sealed stream takes nothing more: publish to another one' },
  unavailable: { final: false, advice: 'the server is busy or elects a leader: it is tried again' },
  unknown: { final: false, advice: 'it is tried again' },
};

/** By the error codes of the JetStream API (nats-server, server/errors.json). */
const kindByCode: ReadonlyMap<number, RefusalKind> = new Map([
  [10054 /* message size exceeds maximum allowed */, 'message_too_large'],
  [10097 /* header size exceeds maximum allowed of 64k */, 'message_too_large'],
  [10060 /* expected stream does not match */, 'wrong_stream'],
  [10070 /* wrong last msg ID */, 'wrong_expectation'],
  [10071 /* wrong last sequence */, 'wrong_expectation'],
  [10164 /* wrong last sequence, without saying which */, 'wrong_expectation'],
  [10002 /* resource limits exceeded for account */, 'storage_limit'],
  [10023 /* insufficient resources */, 'storage_limit'],
  [10028 /* insufficient memory resources available */, 'storage_limit'],
  [10047 /* insufficient storage resources available */, 'storage_limit'],
  [10109 /* invalid operation on sealed stream */, 'sealed'],
  [10008 /* JetStream system temporarily unavailable */, 'unavailable'],
  [10009 /* JetStream cluster has no leader */, 'unavailable'],
  [10118 /* stream is offline */, 'unavailable'],
  [10158 /* duplicate message id is in process */, 'unavailable'],
]);

/** "store failed" covers the limits of a stream, which only its text tells apart. */
const storeFailed = 10077;
const storeFailures: readonly (readonly [string, RefusalKind])[] = [
  ['maximum messages per subject exceeded', 'subject_full'],
  ['maximum messages exceeded', 'stream_full'],
  ['maximum bytes exceeded', 'stream_full'],
  ['insufficient', 'storage_limit'],
];

const noResponders = 503;
/** Of `{"stream":"OUT","seq":1}`, which a refusal does not begin with. */
const letterS = 0x73;
/** Of `true}`, with which the acknowledgement of a duplicate ends. */
const letterE = 0x65;
const stored: PublishAnswer = { stored: true, duplicate: false };
const storedBefore: PublishAnswer = { stored: true, duplicate: true };

/** Reads the answer to a publish; what is stored for the first time, as nearly always, without parsing it. */
export function publishAnswerOf(message: Pick<Msg, 'data' | 'headers'>): PublishAnswer {
  const { data } = message;
  if (data.length === 0) {
    const { code, description } = readHeaders(message) ?? { code: 0, description: 'an empty answer' };
    return code === noResponders
      ? refused('no_stream', 'no stream takes this subject, or JetStream is away')
      : refused('unknown', `${code} ${description}`);
  }
  if (data[2] === letterS && data[data.length - 2] !== letterE) return stored;
  return parsedAnswer(data);
}

function parsedAnswer(data: Uint8Array): PublishAnswer {
  let answer: { error?: { err_code?: number; description?: string }; duplicate?: boolean; seq?: number } | null;
  try {
    answer = JSON.parse(new TextDecoder().decode(data));
  } catch {
    return refused('unknown', 'the answer is not JSON; something else than JetStream takes this subject');
  }
  const { error, duplicate, seq } = answer ?? {};
  if (error) {
    const description = error.description ?? 'the server refused it';
    return refused(kindOf(error.err_code ?? 0, description), description);
  }
  if (seq === undefined)
    return refused('unknown', 'the answer is no acknowledgement; something else than JetStream takes this subject');
  return duplicate === true ? storedBefore : stored;
}

function kindOf(code: number, description: string): RefusalKind {
  if (code !== storeFailed) return kindByCode.get(code) ?? 'unknown';
  return storeFailures.find(([text]) => description.includes(text))?.[1] ?? 'unknown';
}

function refused(kind: RefusalKind, said: string): PublishAnswer {
  const { final, advice } = rows[kind];
  return { stored: false, kind, final, reason: `${said}; ${advice}` };
}
