export { UnsafeLog } from './bucket.js';
export {
  type Candidate,
  type CommandHandler,
  type CommandHandlerOptions,
  createCommandHandler,
} from './command-handler.js';
export {
  type AppendRequest,
  BusUnavailable,
  EventTooLarge,
  type LogSubscription,
  RevisionConflict,
  type StoredEvent,
} from './contract.js';
export { type EventLog, openEventLog } from './event-log.js';
export { followStream, type StreamFollowing } from './follow-stream.js';
