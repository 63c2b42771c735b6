/** How long a statement may take where nothing is said, and at most. */
export const timeoutMsDefault = 2000;
export const timeoutMsMax = 30_000;
