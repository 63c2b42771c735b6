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

const tlsFileBytesMax = 1024 * 1024;
const tlsFiles = ['tls_ca_file', 'tls_cert_file', 'tls_key_file'] as const;

/**
 * Looks at the files that a connection names, as far as they can be read here: they are read again where the connection is opened, which may be another
 * machine, and how they stand there is the connection's state. Throws `DefinitionRejected` where one can never do, and warns where it may come.
 */
export async function checkFiles(definition: ConnectionDefinition, files: DefinitionFiles): Promise<Warning[]> {
  // What is wrong with the options themselves is said when they are decided on.
  if (connectionIssues(definition).length > 0) return [];
  const checks = [
    checkDescriptor(definition, files),
    ...tlsFiles.map((option) => checkTlsFile(option, definition, files)),
  ];
  return (await Promise.all(checks)).flat();
}

async function checkDescriptor(definition: ConnectionDefinition, files: DefinitionFiles): Promise<Warning[]> {
  const resolved = resolveConnection('', definition);
  if (!('format' in resolved) || resolved.format.name !== 'protobuf') return [];
  const { descriptorFile, message } = resolved.format;
  try {
    protobufCodec(await files.read(descriptorFile, descriptorSetBytesMax), message);
    return [];
  } catch (error) {
    if (error instanceof FileUnavailable) return [warningOf('protobuf_descriptor', error)];
    if (!(error instanceof InvalidDescriptor)) throw error;
    const option = error.lacksMessage ? 'protobuf_message' : 'protobuf_descriptor';
    throw rejected(option, `${descriptorFile}: ${error.message}`);
  }
}

async function checkTlsFile(
  option: (typeof tlsFiles)[number],
  { options }: ConnectionDefinition,
  files: DefinitionFiles,
): Promise<Warning[]> {
  const path = options[option];
  if (typeof path !== 'string') return [];
  try {
    await files.read(path, tlsFileBytesMax);
    return [];
  } catch (error) {
    if (error instanceof FileUnavailable) return [warningOf(option, error)];
    throw error;
  }
}

/** Throws where definitions may not name the file at all. */
function warningOf(option: string, { problem, message }: FileUnavailable): Warning {
  if (problem === 'refused') throw rejected(option, message);
  const remark = 'the connection is blocked until a file is there that the ingestion service can read';
  return { code: `${problem}_file`, message: `${message}; ${remark}` };
}

function rejected(option: string, reason: string): DefinitionRejected {
  const message = `"${option}": ${reason}`;
  const issue: Issue = { code: 'invalid_option', message, pointer: `/options/${option}` };
  return new DefinitionRejected('invalid', message, [issue]);
}
