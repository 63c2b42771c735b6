import Type, { type TSchemaOptions } from 'typebox';
import type { Issue } from '../errors.js';
import type { Options } from '../option-value.js';
import { optionPointer } from '../validate-options.js';
import { serverGates } from './server-needs.js';
import { parseServers } from './servers.js';

const path = (options: TSchemaOptions) => Type.String({ minLength: 1, maxLength: 4096, ...options });

/** How a connection is encrypted. The files are read where the connection is opened, anew each time. */
export const tlsOptions = {
  tls_required: Type.Boolean({
    default: false,
    description: 'Connect by TLS only; without it TLS is used where the server offers it.',
  }),
  tls_ca_file: path({
    description: "Path of the certificate authorities (PEM) that are trusted instead of the system's.",
  }),
  tls_cert_file: path({ description: 'Path of the client certificate (PEM); goes with `tls_key_file`.' }),
  tls_key_file: path({ description: 'Path of the key (PEM) of the client certificate.' }),
  tls_verify: Type.Boolean({
    default: true,
    description: "Check the server's certificate and host name; false takes whoever answers.",
  }),
  tls_handshake_first: Type.Boolean({
    default: false,
    description: `Encrypt before the server says anything; needs nats-server ${serverGates.tls_handshake_first.version} that is configured for it.`,
  }),
} as const;

/** How a connection is encrypted that must be. */
export interface TlsSettings {
  readonly caFile: string | undefined;
  /** With `keyFile`, or without both. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly verify: boolean;
  readonly handshakeFirst: boolean;
}

export function tlsIssues(options: Options): Issue[] {
  const issues: Issue[] = [];
  const refuse = (name: string, message: string) =>
    issues.push({ code: 'invalid_option', message: `"${name}": ${message}`, pointer: optionPointer(name) });
  if (!isRequired(options)) {
    for (const name of Object.keys(tlsOptions)) {
      if (name !== 'tls_required' && options[name] !== undefined) refuse(name, 'it needs tls_required = true');
    }
  } else if (options.tls_required === false) {
    refuse('tls_required', 'a server is written tls://, which requires it');
  }
  if (options.tls_cert_file !== undefined && options.tls_key_file === undefined)
    refuse('tls_cert_file', 'a client certificate needs its "tls_key_file"');
  if (options.tls_key_file !== undefined && options.tls_cert_file === undefined)
    refuse('tls_key_file', 'a key needs its "tls_cert_file"');
  if (options.tls_verify === false && options.tls_ca_file !== undefined)
    refuse('tls_ca_file', 'with tls_verify = false no certificate is checked; leave one of them out');
  return issues;
}

/** Undefined where TLS is left to the server. The options must have no `tlsIssues`. */
export function resolveTls(options: Options): TlsSettings | undefined {
  if (!isRequired(options)) return undefined;
  const file = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    caFile: file(options.tls_ca_file),
    certFile: file(options.tls_cert_file),
    keyFile: file(options.tls_key_file),
    verify: options.tls_verify !== false,
    handshakeFirst: options.tls_handshake_first === true,
  };
}

/** One server that is written `tls://` is enough: the client has one setting for all of them. */
function isRequired({ tls_required, servers }: Options): boolean {
  if (tls_required === true) return true;
  return typeof servers === 'string' && parseServers(servers).some((server) => 'url' in server && server.tls);
}
