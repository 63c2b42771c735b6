import { headers } from './headers.js';
import { subjects } from './subjects.js';

/** A message that could not be processed, without its payload, which is the payload of the dead letter. */
export interface DeadLetter {
  /** `<connection>.<token>`; the same whenever the same message fails for the same pipeline, where the message has a sequence. */
  readonly id: string;
  readonly connection: string;
  /** Undefined where it came for all that share a reader and none got to see it: it could not be decoded, or ran out of deliveries. */
  readonly pipeline: string | undefined;
  /** Of the pipeline, else of the connection: tells it from a namesake that was made later. */
  readonly incarnation: number;
  readonly definitionRevision: number;
  readonly error: string;
  readonly origin: DeadLetterOrigin;
}

/** What the message said of itself. */
export interface DeadLetterOrigin {
  readonly subject: string;
  readonly reply: string | undefined;
  /** Unix milliseconds. */
  readonly timestampMs: number;
  /** Undefined where it had none. */
  readonly headers: { readonly [name: string]: readonly string[] } | undefined;
  /** Where it stands in its stream; undefined for core. */
  readonly stored: StoredOrigin | undefined;
}

export interface StoredOrigin {
  readonly stream: string;
  readonly sequence: number;
  readonly consumer: string | undefined;
  readonly delivered: number | undefined;
  /** Tells the stream from one of the same name made before or after. */
  readonly streamIncarnation: string | undefined;
}

const idPattern = /^[A-Za-z_][A-Za-z0-9_-]{0,62}\.[A-Za-z0-9_-]{1,43}$/;

/** Says whether a text may be the id of a dead letter. */
export const isDeadLetterId = (text: string): boolean => idPattern.test(text);

/** The headers that a dead letter travels with, each of one line. */
export function deadLetterHeaders(letter: DeadLetter): [name: string, value: string][] {
  const { pipeline, incarnation, definitionRevision, error, origin } = letter;
  const { subject, stored, ...more } = origin;
  const lines: [string, string][] = [
    [headers.deadLetterError, error.replace(/[\r\n]+/g, ' ')],
    [headers.deadLetterSubject, subject],
    [headers.revision, String(definitionRevision)],
    [headers.incarnation, String(incarnation)],
    [headers.origin, JSON.stringify({ ...more, stored })],
  ];
  if (pipeline !== undefined) lines.push([headers.pipeline, pipeline]);
  if (stored) lines.push([headers.source, `${stored.stream}:${stored.sequence}`]);
  return lines;
}

/**
 * The dead letter of a message in the stream `laminar_dead_letters`; undefined where it says that the letter of this id was withdrawn. Throws
 * where it is neither.
 */
export function readDeadLetter(subject: string, header: (name: string) => string | undefined): DeadLetter | undefined {
  const id = subject.slice(subjects.deadLetter('').length);
  if (!isDeadLetterId(id)) throw new Error(`${subject} holds no id of a dead letter`);
  if (header(headers.withdrawn)) return undefined;
  const need = (name: string): string => {
    const value = header(name);
    if (value === undefined) throw new Error(`the header ${name} is missing`);
    return value;
  };
  const origin: Omit<DeadLetterOrigin, 'subject'> = JSON.parse(need(headers.origin));
  return {
    id,
    connection: id.slice(0, id.indexOf('.')),
    pipeline: header(headers.pipeline) || undefined,
    incarnation: Number(need(headers.incarnation)),
    definitionRevision: Number(need(headers.revision)),
    error: need(headers.deadLetterError),
    origin: { ...origin, subject: header(headers.deadLetterSubject) ?? '' },
  };
}

/** What a slot is asked on `subjects.deadLetterRetry`, as JSON. */
export interface DeadLetterRetry {
  readonly id: string;
}

/** Its answer, as JSON. */
export type DeadLetterRetried =
  /** Every pipeline concerned is done with the message; the letter is withdrawn. */
  | { readonly outcome: 'processed'; readonly rows: number }
  /** It failed again; the letter is kept, with the new error. */
  | { readonly outcome: 'failed'; readonly error: string }
  /** There is no such letter any more. */
  | { readonly outcome: 'gone' }
  /** The pipeline does not run here at the moment. */
  | { readonly outcome: 'not_running'; readonly reason: string };

/** A slot answers within that time, or says that it could not. */
export const deadLetterRetryTimeoutMs = 10_000;
