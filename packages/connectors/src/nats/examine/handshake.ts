import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { TlsSettings } from '@laminar/definitions';
import type { FileSource } from '../../contract.js';
import { tlsHint, tlsOf } from '../tls.js';
import { type Finding, failed, ok, reasonOf, skipped, warning } from './check.js';
import type { Greeted } from './greeting.js';

const dayMs = 86_400_000;
/** A certificate that is over so soon deserves a word. */
const expiresSoonMs = 14 * dayMs;

export interface HandshakeOptions {
  /** Undefined where TLS is left to the server. */
  readonly settings: TlsSettings | undefined;
  readonly files: FileSource;
  readonly timeoutMs: number;
}

/** Encrypts the socket of a greeted server as the connection would, and judges what the server shows. Throws `Unprepared` where a file is missing. */
export async function checkTls(
  { server, host, socket, greeting }: Greeted,
  { settings, files, timeoutMs }: HandshakeOptions,
): Promise<Finding> {
  const offered = greeting === undefined || greeting.tls_required === true || greeting.tls_available === true;
  if (!offered && settings)
    return failed(`${server} offers no TLS, which the connection requires; configure it there, or leave TLS out here`);
  if (!offered) return skipped(`${server} offers no TLS, and the connection asks for none: nothing is encrypted`);
  if (greeting?.tls_verify === true && settings?.certFile === undefined)
    return failed(`${server} wants a client certificate; give tls_required = true, tls_cert_file and tls_key_file`);
  // What there is to say about the files is said here; what they hold is read as the client reads it.
  if (settings) await tlsOf(settings, [server], files);
  const read = async (path: string | undefined) => (path === undefined ? undefined : readFile(path));
  const [ca, cert, key] = await Promise.all([settings?.caFile, settings?.certFile, settings?.keyFile].map(read));
  try {
    const secured = await secure(
      connect({
        socket,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(ca ? { ca } : {}),
        ...(cert ? { cert } : {}),
        ...(key ? { key } : {}),
        // What is wrong is found and said below.
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
      }),
      timeoutMs,
    );
    return judge(secured, host, settings);
  } catch (error) {
    return failed(`the TLS handshake with ${server} failed: ${reasonOf(error)}${tlsHint(settings, error)}`);
  }
}

function secure(socket: TLSSocket, timeoutMs: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it took longer than ${timeoutMs} ms`)), timeoutMs);
    const settle = (act: () => void) => () => {
      clearTimeout(timer);
      act();
    };
    socket.once(
      'secureConnect',
      settle(() => resolve(socket)),
    );
    socket.once('error', (error) => settle(() => reject(error))());
    // What comes later, as when the server does not like the client, is seen where the client connects.
    socket.on('error', () => undefined);
  });
}

function judge(socket: TLSSocket, host: string, settings: TlsSettings | undefined): Finding {
  const certificate = socket.getPeerCertificate();
  const shown = `${socket.getProtocol() ?? 'TLS'}, ${described(certificate)}`;
  if (settings?.verify === false) return warning(`${shown}; tls_verify = false, so that it is not checked`);
  const code = socket.authorized ? undefined : String(socket.authorizationError);
  if (code !== undefined) {
    const error = Object.assign(new Error(code), { code });
    return failed(`the certificate is not trusted (${code})${tlsHint(settings, error)}; ${shown}`);
  }
  const mismatch = checkServerIdentity(host, certificate);
  if (mismatch) return failed(`${mismatch.message}${tlsHint(settings, mismatch)}; ${shown}`);
  const leftMs = Date.parse(certificate.valid_to) - Date.now();
  if (leftMs < expiresSoonMs) return warning(`the certificate is over in ${Math.floor(leftMs / dayMs)} days; ${shown}`);
  return ok(shown);
}

function described({ subject, issuer, valid_to, subjectaltname }: PeerCertificate): string {
  const name = (part: PeerCertificate['subject'] | undefined) => String(part?.CN ?? part?.O ?? 'nobody named');
  const until = Number.isNaN(Date.parse(valid_to)) ? valid_to : new Date(valid_to).toISOString();
  const hosts = subjectaltname === undefined ? '' : ` (${subjectaltname})`;
  return `certificate of ${name(subject)}${hosts}, issued by ${name(issuer)}, valid until ${until}`;
}
