export { Catalog, callsOf, nameSpaceOf, type QuarantineEntry, referencesOf } from './catalog.js';
export { sharesDurable } from './connection/conflicts.js';
export type { AckPolicyName, Redelivery } from './connection/consumer.js';
export { type Credentials, resolveCredentials, secretsOf } from './connection/credentials.js';
export { type Format, type FormatName, formatNameOf } from './connection/format.js';
export { type IdleOption, idleOptions } from './connection/idle-options.js';
export { connectionOptions, connectionOptionsSchema } from './connection/options.js';
export { type Permissions, permissionRefusal } from './connection/permissions.js';
export { ackWaitMsOf, hasDurable, isPositioned, type PositionedSource } from './connection/positioned.js';
export {
  type ConsumerSource,
  type ConsumerSpec,
  type CoreSink,
  type CoreSource,
  hasConsumer,
  isRedelivered,
  isSink,
  type JetStreamSink,
  type KvSource,
  type ObjectSource,
  type OnError,
  type OrderedSource,
  type PullSource,
  type PushSource,
  type ResolvedConnection,
  resolveConnection,
  type Sink,
  type Source,
  type StreamSpec,
} from './connection/resolve.js';
export { type ServerNeed, unmetNeed } from './connection/server-needs.js';
export type { StartPosition } from './connection/start.js';
export { type StoreKind, storeOf } from './connection/stores.js';
export { anySelfRefusal, selfRefusal } from './connection/subject-uses.js';
export { covers, subjectsOverlap } from './connection/subjects.js';
export type { TlsSettings } from './connection/tls.js';
export { connectionIssues } from './connection/validate.js';
export type * from './definition.js';
export { sameData } from './equal.js';
export { DefinitionRejected, type Issue, type RejectionCode } from './errors.js';
export type * from './event.js';
export {
  decodeConnection,
  decodeEvent,
  EventUnreadable,
  encodeConnection,
  encodeEvent,
  foldStoredEvent,
} from './event-codec.js';
export { evolve } from './evolve.js';
export { functionLanguages } from './function/languages.js';
export { functionIssues, normalizeFunction } from './function/validate.js';
export { type IssueCode, issueCodes } from './issue-codes.js';
export { namePattern, nearestName, reservedNames } from './names.js';
export { listOf, type Options, type OptionValue } from './option-value.js';
export {
  type DeliveringPipeline,
  type Delivery,
  deliveryOf,
  deliveryRefusal,
  type QueryTraits,
} from './pipeline/delivery.js';
export { pipelineOptions } from './pipeline/options.js';
export { hasOwnReader, isSoleWriter, ownReading } from './pipeline/own-reader.js';
export { retryRefusal } from './pipeline/retry.js';
export { takenStreamRefusal } from './pipeline/sole-writer.js';
export { pipelineIssues } from './pipeline/validate.js';
export type { SecretOrText } from './secret/reference.js';
export {
  type ArrayType,
  type ColumnType,
  canonicalColumnType,
  columnTypeNames,
  columnTypes,
  type ScalarType,
} from './table/column-types.js';
export {
  type DeclaredType,
  declaredTypeName,
  isTypeProblem,
  parseDeclaredType,
} from './table/declared-type.js';
export { type FixedColumns, fixedColumnIssues, fixedColumnsOf, misfitColumnIssues } from './table/fixed-columns.js';
export { metadataColumns, metadataPrefix } from './table/metadata-columns.js';
export { tableOptions } from './table/options.js';
export { normalizeTable, tableIssues } from './table/validate.js';
