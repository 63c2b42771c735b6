export type { Command, DecidedEvent, DraftOfKind, PipelineDraft } from './command.js';
export { decide, writtenByNewer } from './decide.js';
export type { OwnBus } from './pipeline/feedback.js';
