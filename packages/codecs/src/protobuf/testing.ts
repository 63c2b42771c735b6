import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';

const wellKnown = ['any', 'duration', 'field_mask', 'struct', 'timestamp', 'wrappers'];

/** A root of a .proto file, and its descriptor set as `protoc --include_imports` would write it. */
export function compiled(source: string, edition = 'proto3') {
  const root = new protobuf.Root();
  for (const file of wellKnown) {
    const nested = protobuf.common.get(`google/protobuf/${file}.proto`)?.nested;
    if (nested) root.addJSON(nested);
  }
  protobuf.parse(`syntax = "${edition}"; package com.example; ${source}`, root, { keepCase: true });
  root.resolveAll();
  const set = root.toDescriptor(edition);
  return { root, descriptor: (set.$type as protobuf.Type).encode(set).finish() };
}
