import type { Codec } from './codec.js';
import { parseJson } from './json.js';
import { JsonFields } from './json-fields.js';

export const jsonCodec: Codec = { decode: parseJson, fields: new JsonFields() };
