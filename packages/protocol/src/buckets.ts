/** The KV buckets of the mesh's own bus. */
export const buckets = {
  /** One key per definition event; the bucket is the log. */
  definitions: 'laminar_definitions',
  /** Heartbeats, one key per instance session. */
  workers: 'laminar_workers',
  /** Reader slots and the sessions that hold them. */
  leases: 'laminar_leases',
  /** How far readers have come, a key per connection: of those without a durable, and as it was last seen of durables. */
  positions: 'laminar_positions',
  /** Values of secrets, encrypted. */
  secrets: 'laminar_secrets',
} as const;

/** The JetStream stream behind a KV bucket (NATS ADR-8). */
export const streamOfBucket = (bucket: string): string => `KV_${bucket}`;

/** The subject of a key in a KV bucket (NATS ADR-8). */
export const subjectOfKey = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;
