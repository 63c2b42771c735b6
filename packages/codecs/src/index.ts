export type { Codec, MessageCodec } from './codec.js';
export { DecodeError } from './decode-error.js';
export { jsonCodec, jsonDepthMax, parseJson, stringifyJson } from './json.js';
export type { Message } from './message.js';
export { protobufCodec } from './protobuf/codec.js';
export { descriptorSetBytesMax, InvalidDescriptor } from './protobuf/descriptor-set.js';
export { rawCodec } from './raw.js';
export { kvEntryCodec } from './stores/kv-entry.js';
export { objectInfoCodec } from './stores/object-info.js';
