import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { TlsSettings } from '@laminar/definitions';
import type { TlsOptions } from '@nats-io/nats-core';
import { type FileSource, Unprepared } from '../contract.js';

const fileBytesMax = 1024 * 1024;

/**
 * The settings as the client takes them. It reads the files itself, at every connect and reconnect, so that a certificate that is renewed counts
 * from then on; whether the definition may name them is settled here. Throws `Unprepared` where a file cannot be read now.
 */
export async function tlsOf(
  { caFile, certFile, keyFile, verify, handshakeFirst }: TlsSettings,
  servers: readonly string[],
  files: FileSource,
): Promise<TlsOptions> {
  await Promise.all([
    checkFile('tls_ca_file', caFile, files),
    checkFile('tls_cert_file', certFile, files),
    checkFile('tls_key_file', keyFile, files),
  ]);
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(handshakeFirst ? { handshakeFirst } : {}),
    ...(verify ? identityOf(servers) : { rejectUnauthorized: false }),
  };
}

/**
 * The client does not say which server it dials where that is an address, and Node.js then takes it for `localhost`: whoever has a certificate for
 * that would do, and one for the address would not. So a certificate for one of the addresses of the definition is asked for.
 */
function identityOf(servers: readonly string[]): object {
  const hosts = servers.map((server) => new URL(server).hostname.replace(/^\[|\]$/g, ''));
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  if (addresses.length === 0 || hosts.includes('localhost')) return {};
  return {
    checkServerIdentity(host: string, certificate: PeerCertificate): Error | undefined {
      if (host !== 'localhost') return checkServerIdentity(host, certificate);
      const problems = addresses.map((address) => checkServerIdentity(address, certificate));
      return problems.includes(undefined) ? undefined : problems[0];
    },
  };
}

async function checkFile(option: string, path: string | undefined, files: FileSource): Promise<void> {
  if (path === undefined) return;
  try {
    await files.read(path, fileBytesMax);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Unprepared(`${option} cannot be used here: ${why}`, { cause: error });
  }
}

/** What an error of a TLS connection says beside its own words, where those do not say what to do. */
export function tlsHint(tls: TlsSettings | undefined, error: unknown): string {
  const code = codeOf(error);
  if (tls?.handshakeFirst && code === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    return '; tls_handshake_first needs nats-server 2.10 or newer with handshake_first in its tls block, and this one spoke first';
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return '; use a name that the certificate is for';
  if (code !== undefined && untrusted.has(code)) return '; tls_ca_file names the authority that signed the certificate';
  if (code?.startsWith('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED') || code === 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE')
    return '; the server wants a client certificate that it trusts (tls_cert_file, tls_key_file)';
  return '';
}

/** What OpenSSL says of a certificate whose issuer it does not know. */
const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** The client may wrap what the socket said. */
function codeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}
