import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const bytesMax = 10 * 1024 * 1024;

/** A log that is appended to; one that has grown to 10 MiB becomes `<path>.1`, of which there is only one. */
export class LogFile {
  #file: number;
  #bytes: number;

  constructor(readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a');
    this.#bytes = fstatSync(this.#file).size;
  }

  /** Written at once, so that the last words of a process are there when it is reported. */
  write(line: string): void {
    if (this.#bytes >= bytesMax) this.#rotate();
    this.#bytes += writeSync(this.#file, `${line}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    closeSync(this.#file);
    renameSync(this.path, `${this.path}.1`);
    this.#file = openSync(this.path, 'a');
    this.#bytes = 0;
  }
}
