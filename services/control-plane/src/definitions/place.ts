import { listOf, type Options, storeOf } from '@laminar/definitions';

/** Where the messages of a connection are kept, in words; undefined where nothing keeps them. */
export function keptIn(options: Options): string | undefined {
  const { kv_bucket, kv_keys, object_bucket, stream_name } = options;
  switch (storeOf(options)) {
    case 'kv':
      return `KV bucket ${String(kv_bucket)}${kv_keys === undefined ? '' : `, keys ${String(kv_keys)}`}`;
    case 'object':
      return `object store ${String(object_bucket)}`;
    default:
      return stream_name === undefined ? undefined : `stream ${String(stream_name)}`;
  }
}

/** The subjects that a connection reads or writes as its definition names them; empty where it names none. */
export const subjectsOf = ({ subject, filter_subjects, stream_subjects, type }: Options): string[] =>
  listOf(subject ?? filter_subjects ?? (type === 'sink' ? undefined : stream_subjects));
