import type { Options, ResolvedConnection } from '@laminar/definitions';
import type { StreamConfig } from '@nats-io/jetstream';

/** A kind of source: how one is defined, and how a numbered message gets into it. */
export interface SourceKind {
  /** What its role does not say. */
  readonly options: (name: string) => Options;
  /** What is read, where the server keeps it while nobody reads. */
  readonly stream?: (name: string) => Pick<StreamConfig, 'name' | 'subjects'> & Partial<StreamConfig>;
  readonly message: (name: string, n: number) => { readonly subject: string; readonly data: object };
  /** The number of a message, in SQL. */
  readonly n: string;
  /** Rows come in the order of the messages, whatever happens. */
  readonly ordered: boolean;
  /** A message that is gone before it was read is a gap, and not how such a store works. */
  readonly gaps: boolean;
}

const subjectOf = (name: string) => `${name}.in`;
const streamOf = (name: string) => ({ name: name.toUpperCase(), subjects: [subjectOf(name)] });

const plain: SourceKind = {
  options: (name) => ({ subject: subjectOf(name) }),
  message: (name, n) => ({ subject: subjectOf(name), data: { n } }),
  n: 'n',
  ordered: false,
  gaps: false,
};

const stored = (options: Options, ordered = false): SourceKind => ({
  ...plain,
  options: (name) => ({ ...plain.options(name), jetstream: true, stream_name: streamOf(name).name, ...options }),
  stream: streamOf,
  ordered,
  gaps: true,
});

type SourceRole = Extract<ResolvedConnection['role'], `source-${string}`>;

/** Every role of a source has a place here, so that one that is added has to go through the same. */
const kindsByRole: { readonly [role in SourceRole]: { readonly [kind: string]: SourceKind } } = {
  'source-core': {
    core: plain,
    core_queue: { ...plain, options: (name) => ({ ...plain.options(name), queue_group: 'workers' }) },
  },
  'source-pull': {
    pull: stored({}),
    pull_all: stored({ consumer_ack_policy: 'all' }),
    pull_ephemeral: stored({ consumer_durable: false }),
  },
  'source-push': { push: stored({ consumer_pull: false }) },
  'source-ordered': { ordered: stored({ consumer_ordered: true }, true) },
  'source-kv': {
    kv: {
      options: (name) => ({ jetstream: true, kv_bucket: name }),
      stream: (name) => ({
        name: `KV_${name}`,
        subjects: [`$KV.${name}.>`],
        max_msgs_per_subject: 1,
        allow_rollup_hdrs: true,
      }),
      message: (name, n) => ({ subject: `$KV.${name}.key${n}`, data: { n } }),
      n: "value->'n'",
      ordered: true,
      gaps: false,
    },
  },
  'source-object': {
    object: {
      options: (name) => ({ jetstream: true, object_bucket: name, format: 'raw' }),
      stream: (name) => ({
        name: `OBJ_${name}`,
        subjects: [`$O.${name}.C.>`, `$O.${name}.M.>`],
        allow_rollup_hdrs: true,
      }),
      // The description of an empty object (NATS ADR-20).
      message: (name, n) => ({
        subject: `$O.${name}.M.${Buffer.from(String(n)).toString('base64url')}`,
        data: { name: String(n), bucket: name, nuid: `nuid${n}`, size: 0, chunks: 0, digest: '' },
      }),
      n: 'CAST(name AS INTEGER)',
      ordered: true,
      gaps: false,
    },
  },
};

export const sourceKinds: ReadonlyMap<string, SourceKind> = new Map(
  Object.values(kindsByRole).flatMap((kinds) => Object.entries(kinds)),
);
