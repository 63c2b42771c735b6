export { attributes } from './attributes.js';
export { type Observation, observeCounter } from './counters.js';
export { addLink, recordError, SpanKind, type SpanOptions, startSpan } from './span.js';
export { isSampled, parseTraceparent, sampledTraceparent, traceIdOf, traceparentOf } from './trace-context.js';
