import type protobuf from 'protobufjs';
import { DecodeError } from '../decode-error.js';
import { base64, double, integer, type Long, shortestFloat } from './scalars.js';

/** A decoded message in the form in which JSON would have it. */
export type ConvertMessage = (message: protobuf.Message) => unknown;

/**
 * How a type is converted that protobuf's JSON mapping gives a form of its own (https://protobuf.dev/programming-guides/json/); undefined for all other
 * types. Fields are known by their numbers, which never change.
 */
export function wellKnownConverter(type: protobuf.Type): ConvertMessage | undefined {
  return Object.hasOwn(makers, type.fullName) ? makers[type.fullName]?.(type) : undefined;
}

type Read = (message: protobuf.Message) => never;

/** Reads the field of this number; its default where the message leaves it out. */
function field(type: protobuf.Type, id: number): Read {
  const name = type.fieldsById[id]?.name ?? '';
  return (message) => (message as unknown as { readonly [name: string]: never })[name] as never;
}

function wrapper(convert: (value: never) => unknown): (type: protobuf.Type) => ConvertMessage {
  return (type) => {
    const value = field(type, 1);
    return (message) => convert(value(message));
  };
}

const same = (value: unknown): unknown => value;

const makers: { readonly [fullName: string]: (type: protobuf.Type) => ConvertMessage } = {
  '.google.protobuf.Timestamp': (type) => secondsAndNanos(type, timestampText),
  '.google.protobuf.Duration': (type) => secondsAndNanos(type, durationText),
  '.google.protobuf.Any': (type) => {
    const url = field(type, 1);
    const value = field(type, 2);
    return (message) => ({ type: url(message), value: base64(value(message)) });
  },
  '.google.protobuf.FieldMask': wrapper((paths: readonly string[]) => paths.join(',')),
  '.google.protobuf.Struct': wrapper((fields: Fields) => structOf(fields)),
  '.google.protobuf.ListValue': wrapper((values: readonly protobuf.Message[]) => values.map(jsonValue)),
  '.google.protobuf.Value': () => jsonValue,
  '.google.protobuf.DoubleValue': wrapper(double),
  '.google.protobuf.FloatValue': wrapper((value: number) => double(shortestFloat(value))),
  '.google.protobuf.Int64Value': wrapper(integer),
  '.google.protobuf.UInt64Value': wrapper(integer),
  '.google.protobuf.Int32Value': wrapper(same),
  '.google.protobuf.UInt32Value': wrapper(same),
  '.google.protobuf.BoolValue': wrapper(same),
  '.google.protobuf.StringValue': wrapper(same),
  '.google.protobuf.BytesValue': wrapper(base64),
};

function secondsAndNanos(
  type: protobuf.Type,
  text: (seconds: number, nanos: number) => string | undefined,
): ConvertMessage {
  const seconds = field(type, 1);
  const nanos = field(type, 2);
  return (message) => {
    const written = text(Number(integer(seconds(message) as Long | number)), nanos(message));
    if (written === undefined) throw new DecodeError(`a ${type.fullName.slice(1)} is out of its range`);
    return written;
  };
}

/** Seconds from year 1 to year 9999. */
const timestampSeconds = { min: -62_135_596_800, max: 253_402_300_799 } as const;
const durationSecondsMax = 315_576_000_000;
const nanosMax = 999_999_999;

function timestampText(seconds: number, nanos: number): string | undefined {
  if (seconds < timestampSeconds.min || seconds > timestampSeconds.max || nanos < 0 || nanos > nanosMax)
    return undefined;
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction(nanos)}Z`;
}

function durationText(seconds: number, nanos: number): string | undefined {
  const signsDiffer = (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0);
  if (Math.abs(seconds) > durationSecondsMax || Math.abs(nanos) > nanosMax || signsDiffer) return undefined;
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  return `${sign}${Math.abs(seconds)}${fraction(Math.abs(nanos))}s`;
}

/** Nothing, or three, six or nine digits. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  return `.${digits.replace(/(?:000){1,2}$/, '')}`;
}

type Fields = { readonly [name: string]: protobuf.Message };

const structOf = (fields: Fields): unknown =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, jsonValue(value)]));

/** The value of a `google.protobuf.Value`; one that holds nothing is null. */
function jsonValue(message: protobuf.Message): unknown {
  const { fieldsById } = message.$type as protobuf.Type;
  for (const [id, convert] of valueKinds) {
    const name = fieldsById[id]?.name ?? '';
    if (Object.hasOwn(message, name))
      return convert((message as unknown as { readonly [name: string]: never })[name] as never);
  }
  return null;
}

const valueKinds: readonly (readonly [id: number, convert: (value: never) => unknown])[] = [
  [1, () => null],
  [2, double],
  [3, same],
  [4, same],
  [5, (struct: protobuf.Message) => contentOf(struct, structOf)],
  [6, (list: protobuf.Message) => contentOf(list, (values: readonly protobuf.Message[]) => values.map(jsonValue))],
];

/** The only field of a Struct or ListValue. */
function contentOf(message: protobuf.Message, convert: (value: never) => unknown): unknown {
  return convert(field(message.$type as protobuf.Type, 1)(message));
}
