export { attributes } from './attributes.js';
export { type Observation, observeCounter } from './counters.js';
export { inSpan, recordError, SpanKind, type SpanOptions, startSpan } from './span.js';
export { isSampled, parseTraceparent, traceparentOf } from './trace-context.js';
