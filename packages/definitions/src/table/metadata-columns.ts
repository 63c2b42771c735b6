import type { ColumnType } from './column-types.js';

/** What a message says of itself; a table that declares one of these needs `include_metadata = true`. */
export const metadataColumns: { readonly [name: string]: ColumnType } = {
  _nats_subject: 'TEXT',
  _nats_reply: 'TEXT',
  _nats_headers: 'JSON',
  _nats_timestamp: 'TIMESTAMP',
  _nats_sequence: 'BIGINT',
  _nats_stream: 'TEXT',
  _nats_consumer: 'TEXT',
  _nats_delivered: 'BIGINT',
};

/** What the names of metadata columns begin with, in whatever case; no other column has such a name. */
export const metadataPrefix = '_nats_';
