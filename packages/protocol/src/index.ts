export { laminar } from '../gen/laminar.js';
export { opentelemetry } from '../gen/opentelemetry.js';
export { buckets, streamOfBucket, subjectOfKey } from './buckets.js';
export {
  type DeadLetter,
  type DeadLetterOrigin,
  type DeadLetterRetried,
  type DeadLetterRetry,
  deadLetterHeaders,
  deadLetterRetryTimeoutMs,
  isDeadLetterId,
  readDeadLetter,
  type StoredOrigin,
} from './dead-letter.js';
export {
  type DefinedKind,
  type DefinitionKey,
  definedKinds,
  formatDefinitionKey,
  type Kind,
  kinds,
  parseDefinitionKey,
} from './definition-key.js';
export { headers } from './headers.js';
export { deadLettersStream, metricsStream, streams } from './streams.js';
export { isPublishableSubject, subjects } from './subjects.js';
export { type SystemQuery, type SystemRows, systemQueryErrors, systemQueryTimeoutMsMax } from './system-query.js';
