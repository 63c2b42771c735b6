export type * from './definition.js';
export { DefinitionRejected, type Issue, type RejectionCode } from './errors.js';
export type * from './event.js';
export { namePattern, nearestName, reservedNames } from './names.js';
export type { Options, OptionValue } from './option-value.js';
