export {
  type AppendRequest,
  BusUnavailable,
  EventTooLarge,
  type LogSubscription,
  RevisionConflict,
  type StoredEvent,
} from './contract.js';
