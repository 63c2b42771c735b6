import {
  type Codec,
  descriptorSetBytesMax,
  InvalidDescriptor,
  jsonCodec,
  kvEntryCodec,
  type MessageCodec,
  objectInfoCodec,
  protobufCodec,
  rawCodec,
} from '@laminar/codecs';
import { ConnectorError } from '@laminar/connectors';
import type { ResolvedConnection } from '@laminar/definitions';
import { type DefinitionFiles, FileUnavailable } from '@laminar/runtime';

/**
 * The codec of a source, made when its reader starts. Throws a `ConnectorError` that blocks where a descriptor is missing or wrong: both may heal by
 * another file in its place, which is looked for at each attempt.
 */
export async function codecOf(source: ResolvedConnection, files: DefinitionFiles): Promise<MessageCodec> {
  if (source.role === 'source-object') return objectInfoCodec;
  const payloads = await payloadCodecOf(source, files);
  return source.role === 'source-kv' ? kvEntryCodec(payloads) : payloads;
}

/** How the payloads of a source are decoded, whatever stands around them; throws as `codecOf` does. */
export async function payloadCodecOf(source: ResolvedConnection, files: DefinitionFiles): Promise<Codec> {
  const format = 'format' in source ? source.format : undefined;
  if (format?.name !== 'protobuf') return format?.name === 'raw' ? rawCodec : jsonCodec;
  try {
    return protobufCodec(await files.read(format.descriptorFile, descriptorSetBytesMax), format.message);
  } catch (error) {
    if (error instanceof FileUnavailable)
      throw new ConnectorError('blocked', `protobuf_descriptor: ${error.message}`, { cause: error });
    if (error instanceof InvalidDescriptor)
      throw new ConnectorError('blocked', `protobuf_descriptor ${format.descriptorFile}: ${error.message}`, {
        cause: error,
      });
    throw error;
  }
}
