import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Certificates in PEM files of a folder, each made by `openssl`. */
export class TestCertificates {
  constructor(readonly directory: string) {}

  /** A certificate authority; its files are `<name>.pem` and `<name>.key`. */
  authority(name: string): string {
    this.#openssl('req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`, ...this.#out(name));
    return this.path(`${name}.pem`);
  }

  /** A certificate by an authority, for a host or a client; already over where `expired`. */
  issue(name: string, { authority, host, expired = false }: { authority: string; host: string; expired?: boolean }) {
    const request = this.path(`${name}.csr`);
    this.#openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', this.path(`${name}.key`), '-out', request);
    const extensions = this.path(`${name}.ext`);
    writeFileSync(extensions, `subjectAltName=${/^[\d.]+$/.test(host) ? 'IP' : 'DNS'}:${host}\n`);
    const by = ['-CA', this.path(`${authority}.pem`), '-CAkey', this.path(`${authority}.key`), '-CAcreateserial'];
    // A certificate cannot be made that is over, but one that is over at once.
    const days = ['-days', expired ? '0' : '2'];
    this.#openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...by,
      ...days,
      '-extfile',
      extensions,
      '-out',
      this.path(`${name}.pem`),
    );
    return { cert: this.path(`${name}.pem`), key: this.path(`${name}.key`) };
  }

  path(file: string): string {
    return join(this.directory, file);
  }

  #out(name: string): string[] {
    return ['-keyout', this.path(`${name}.key`), '-out', this.path(`${name}.pem`)];
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
