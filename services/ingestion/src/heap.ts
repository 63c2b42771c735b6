import { setFlagsFromString } from 'node:v8';

/**
 * How much the old generation may grow before it is collected, in percent of what was alive then. V8 itself lets it grow to several times that; at full load messages
 * that wait for a slow sink live just long enough to get there, and their garbage would be most of the process.
 */
const growthPercent = 50;

/** Trades a little CPU time for a heap that stays near what is alive. V8 reads the flag at each collection, so that it may be set in a running process. */
export function boundGarbage(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
}
