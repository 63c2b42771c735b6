import { ackWaitMsOf, type PositionedSource, type StartPosition } from '@laminar/definitions';

/** Messages that are received and not settled at most, where the definition does not say. */
const unsettledMaxDefault = 5000;

/** A stream as a positioned source reads it. */
export interface StreamView {
  readonly stream: string;
  /** In words, for errors: `the KV bucket "CONFIG"`. */
  readonly what: string;
  /** What to do where it does not exist. */
  readonly remedy: string;
  /** Empty for every subject. */
  readonly filters: readonly string[];
  /** Of a store: the filters where its stream is a mirror of another one, of that name. Undefined where whoever defined it names the subjects. */
  readonly mirrored?: (origin: string) => readonly string[];
  /** The consumers that the server makes for its readers begin with it; undefined for the connection's own name. */
  readonly consumerName: string | undefined;
  /** What is read; where that is something else, reading begins anew. */
  readonly source: string;
  /** Where reading begins, the first time. `current`: with the newest message of each subject, then all that come. */
  readonly start: StartPosition | { readonly from: 'current' };
  /** Messages are handed over in the order of the stream, also those that are handed over again. */
  readonly inOrder: boolean;
  /** Messages that are received and not settled at most. */
  readonly unsettledMax: number;
  /** Undefined: nothing is handed over again. */
  readonly ackWaitMs: number | undefined;
  /** How often a message is handed over at most; -1 is without end. */
  readonly maxDeliver: number;
  /** Messages per second; undefined is without limit. */
  readonly rateLimit: number | undefined;
}

export function viewOf(source: PositionedSource): StreamView {
  const common = {
    unsettledMax: unsettledMaxDefault,
    ackWaitMs: ackWaitMsOf(source),
    maxDeliver: -1,
    rateLimit: undefined,
    consumerName: undefined,
    inOrder: true,
  };
  switch (source.role) {
    case 'source-kv':
      return {
        ...common,
        ...store('KV_', source.bucket, (bucket) => `$KV.${bucket}.${source.keys}`),
        what: `the KV bucket "${source.bucket}"`,
      };
    case 'source-object':
      return {
        ...common,
        ...store('OBJ_', source.bucket, (bucket) => `$O.${bucket}.M.>`),
        what: `the object store "${source.bucket}"`,
      };
    default: {
      const { streamName, filterSubjects, start, rateLimit } = source;
      const stream = {
        ...common,
        stream: streamName,
        what: `the stream "${streamName}"`,
        remedy: 'create it, or give stream_subjects to have it created',
        filters: filterSubjects,
        source: streamName,
        start,
        rateLimit,
      };
      if (source.role === 'source-ordered') return stream;
      const { name, ackPolicy, maxAckPending, maxDeliver } = source.consumer;
      return {
        ...stream,
        consumerName: name,
        inOrder: false,
        unsettledMax: maxAckPending,
        ackWaitMs: ackPolicy === 'none' ? undefined : stream.ackWaitMs,
        maxDeliver: ackPolicy === 'none' ? 1 : maxDeliver,
      };
    }
  }
}

/** A store whose other keys are wanted is another source: their present values come first. */
function store(prefix: string, bucket: string, filterOf: (bucket: string) => string) {
  const stream = `${prefix}${bucket}`;
  const filter = filterOf(bucket);
  return {
    stream,
    remedy: 'create it',
    filters: [filter],
    mirrored: (origin: string) => [filterOf(origin.startsWith(prefix) ? origin.slice(prefix.length) : origin)],
    source: `${stream} ${filter}`,
    start: { from: 'current' } as const,
  };
}
