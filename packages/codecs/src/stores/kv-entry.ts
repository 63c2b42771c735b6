import type { Codec, MessageCodec } from '../codec.js';
import { JsonFields } from '../json-fields.js';
import type { Message } from '../message.js';

/** What happened to a key or an object. */
export type StoreOperation = 'PUT' | 'DELETE';

export interface KvEntry {
  readonly key: string;
  /** Null where the key was deleted. */
  readonly value: unknown;
  readonly operation: StoreOperation;
}

/** Reads the messages of a KV bucket (NATS ADR-8), values by the codec of their format. A purge reads as a deletion, and so does an expiry. */
export function kvEntryCodec(values: Codec): MessageCodec {
  const isJson = values.fields instanceof JsonFields;
  return {
    ...(isJson && { stepsTo: (member, message) => (member === 'value' && !isDeletion(message) ? [] : undefined) }),
    decode(data, message): KvEntry {
      const key = keyOf(message.subject);
      return isDeletion(message)
        ? { key, value: null, operation: 'DELETE' }
        : { key, value: values.decode(data), operation: 'PUT' };
    },
  };
}

/** Behind `$KV` and a bucket: of a mirror that is the one which it mirrors. */
const keyOf = (subject: string): string => subject.slice(subject.indexOf('.', subject.indexOf('.') + 1) + 1);

/** Clients mark by the first header, and a nats-server that lets keys expire (2.11, NATS ADR-43) by the second. */
function isDeletion(message: Message): boolean {
  const operation = message.header('KV-Operation');
  return operation === 'DEL' || operation === 'PURGE' || message.header('Nats-Marker-Reason') !== undefined;
}
