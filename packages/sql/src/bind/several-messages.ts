import type { SqlError } from '../errors.js';
import { unsupported } from './unsupported.js';

/** What to do with a wish that takes more than one message. */
export const oneMessage =
  'a pipeline looks at one message at a time: let it write the rows into a sink, and put them together where they are read';

/** Refuses what looks at several messages, such as an aggregate. */
export const severalMessages = (what: string, offset: number): SqlError =>
  unsupported(`${what} over several messages`, offset, oneMessage);
