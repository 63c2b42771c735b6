export { DecodeError, jsonDepthMax, parseJson, stringifyJson } from './json.js';
export type { Message } from './message.js';
