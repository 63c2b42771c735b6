import type { Issue } from '../errors.js';
import type { IssueCode } from '../issue-codes.js';
import type { Options } from '../option-value.js';
import { optionPointer } from '../validate-options.js';

/** How payloads are encoded. */
export const formatNames = ['json', 'protobuf', 'raw'] as const;
export type FormatName = (typeof formatNames)[number];

/** How the payloads of a source are read. */
export type Format =
  | { readonly name: 'json' | 'raw' }
  | {
      readonly name: 'protobuf';
      /** Full name of the message, such as `com.example.Event`. */
      readonly message: string;
      /** Absolute path of a file with a `FileDescriptorSet`, read where the reader runs. */
      readonly descriptorFile: string;
    };

/** The format that a definition names; one that leaves it out is a sink of JSON. */
export function formatNameOf({ format }: Options): FormatName {
  return formatNames.find((name) => name === format) ?? 'json';
}

/** The options must have no `formatIssues`. */
export function resolveFormat(options: Options): Format {
  const name = formatNameOf(options);
  if (name !== 'protobuf') return { name };
  return { name, message: String(options.protobuf_message), descriptorFile: String(options.protobuf_descriptor) };
}

const messageName = /^\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** What is wrong with `format` and the options that belong to it, each of which has its right type. */
export function formatIssues(options: Options): Issue[] {
  const issues: Issue[] = [];
  const refuse = (name: string, code: IssueCode, message: string) =>
    issues.push({ code, message, pointer: optionPointer(name) });
  const { protobuf_message: message, protobuf_descriptor: descriptor } = options;
  if (options.type === 'sink') {
    if (options.format === 'protobuf')
      refuse('format', 'invalid_option', '"format": a sink writes json or raw; protobuf can only be read');
    return issues;
  }
  if (options.format !== 'protobuf') {
    for (const name of ['protobuf_message', 'protobuf_descriptor'])
      if (options[name] !== undefined)
        refuse(name, 'option_does_not_apply', `"${name}" has no effect without format = 'protobuf'`);
    return issues;
  }
  if (message === undefined)
    refuse(
      'protobuf_message',
      'missing_option',
      'format = \'protobuf\' needs "protobuf_message", such as com.example.Event',
    );
  else if (!messageName.test(String(message)))
    refuse(
      'protobuf_message',
      'invalid_option',
      '"protobuf_message" must be the full name of a message, such as com.example.Event',
    );
  if (descriptor === undefined)
    refuse(
      'protobuf_descriptor',
      'missing_option',
      'format = \'protobuf\' needs "protobuf_descriptor", the path of a descriptor set',
    );
  else if (!String(descriptor).startsWith('/') || String(descriptor).includes('\0'))
    refuse(
      'protobuf_descriptor',
      'invalid_option',
      '"protobuf_descriptor" must be an absolute path: services run in folders of their own',
    );
  return issues;
}
