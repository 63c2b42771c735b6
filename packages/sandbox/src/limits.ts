/** What one call may take, as the interpreter measures it. */
export const callTimeMsMax = 100;
/** After that long without an answer the thread is ended: the interpreter does not look at the clock within its own functions. */
export const answerTimeMsMax = 2000;
/** A thread that starts with the call may take that much longer. */
export const startTimeMsMax = 10_000;
/** What one function may hold. */
export const memoryBytesMax = 16 * 1024 * 1024;
/** Calls that are handed over together; what is not done after `chunkTimeMs` comes back, so that other functions get their turn. */
export const chunkCallsMax = 64;
export const chunkTimeMs = 50;
/** Functions that are kept compiled. */
export const functionsMax = 64;
