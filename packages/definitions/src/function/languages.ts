import type { FunctionLanguage } from '../definition.js';

/** What the body of a function may be written in. */
export const functionLanguages: readonly FunctionLanguage[] = ['sql', 'nats', 'javascript'];
