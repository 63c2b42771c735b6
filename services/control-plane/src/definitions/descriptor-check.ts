import { descriptorSetBytesMax, InvalidDescriptor, protobufCodec } from '@laminar/codecs';
import {
  type ConnectionDefinition,
  connectionIssues,
  DefinitionRejected,
  type Issue,
  resolveConnection,
} from '@laminar/definitions';
import { type DefinitionFiles, FileUnavailable } from '@laminar/runtime';
import type { Warning } from '@laminar/sql';

/**
 * Looks at the descriptor that a connection names, as far as it can be read here: it is read again where the reader runs, which may be another machine, and
 * how it stands there is the connection's state. Throws `DefinitionRejected` where it can never work, and warns where it may come.
 */
export async function checkDescriptor(definition: ConnectionDefinition, files: DefinitionFiles): Promise<Warning[]> {
  // What is wrong with the options themselves is said when they are decided on.
  if (definition.options.format !== 'protobuf' || connectionIssues(definition).length > 0) return [];
  const resolved = resolveConnection('', definition);
  if (!('format' in resolved) || resolved.format.name !== 'protobuf') return [];
  const { descriptorFile, message } = resolved.format;
  try {
    protobufCodec(await files.read(descriptorFile, descriptorSetBytesMax), message);
    return [];
  } catch (error) {
    if (error instanceof FileUnavailable) {
      if (error.problem === 'refused') throw rejected('/options/protobuf_descriptor', error.message);
      const remark = 'the connection is blocked until a file is there that the ingestion service can read';
      return [{ code: `${error.problem}_file`, message: `${error.message}; ${remark}` }];
    }
    if (!(error instanceof InvalidDescriptor)) throw error;
    const option = error.lacksMessage ? 'protobuf_message' : 'protobuf_descriptor';
    throw rejected(`/options/${option}`, `${descriptorFile}: ${error.message}`);
  }
}

function rejected(pointer: string, reason: string): DefinitionRejected {
  const message = `"${pointer.slice('/options/'.length)}": ${reason}`;
  const issue: Issue = { code: 'invalid_option', message, pointer };
  return new DefinitionRejected('invalid', message, [issue]);
}
