export type { Command, DecidedEvent, DraftOfKind, PipelineDraft } from './command.js';
export { decide } from './decide.js';
