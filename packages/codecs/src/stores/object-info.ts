import type { MessageCodec } from '../codec.js';
import { DecodeError } from '../decode-error.js';
import { FieldName } from '../field.js';
import { parseJson } from '../json.js';
import type { JsonStep } from '../json-path.js';
import type { StoreOperation } from './kv-entry.js';

export interface ObjectInfo {
  readonly name: string;
  /** Bytes. */
  readonly size: number | bigint;
  readonly chunks: number | bigint;
  /** Such as `SHA-256=...`; null where it was deleted. */
  readonly digest: string | null;
  readonly metadata: unknown;
  readonly operation: StoreOperation;
}

const toMetadata: readonly JsonStep[] = [{ member: new FieldName('metadata'), element: undefined, keepsScalar: false }];

/** Reads the messages that describe the objects of an object store (NATS ADR-20): each upload, replacement and deletion is one. */
export const objectInfoCodec: MessageCodec = {
  stepsTo: (member) => (member === 'metadata' ? toMetadata : undefined),
  decode(data): ObjectInfo {
    const { name, size, chunks, digest, metadata, deleted } = asObject(parseJson(data));
    if (typeof name !== 'string') throw malformed('it has no "name"');
    return {
      name,
      size: count('size', size),
      chunks: count('chunks', chunks),
      digest: typeof digest === 'string' && digest !== '' ? digest : null,
      metadata: metadata ?? null,
      operation: deleted === true ? 'DELETE' : 'PUT',
    };
  },
};

function asObject(value: unknown): { readonly [member: string]: unknown } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw malformed('it is no JSON object');
}

/** A deleted object is described without them. */
function count(member: string, value: unknown = 0): number | bigint {
  if (typeof value === 'bigint' || (Number.isSafeInteger(value) && Number(value) >= 0)) return value as number | bigint;
  throw malformed(`its "${member}" is no count`);
}

const malformed = (why: string): DecodeError => new DecodeError(`the message does not describe an object: ${why}`);
