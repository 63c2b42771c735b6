import type { DeadLetter } from '@laminar/protocol';
import type { Statement } from 'better-sqlite3';
import { getTableConfig } from 'drizzle-orm/sqlite-core';
import type { SystemDatabase } from '../database.js';
import { deadLetters } from '../schema.js';
import { moment } from './moment.js';

/** What the stream of dead letters says about one id. */
export interface DeadLetterMessage {
  readonly id: string;
  /** In the stream of dead letters. */
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly atMs: number;
  /** Undefined where the letter was withdrawn. */
  readonly letter: DeadLetter | undefined;
  readonly payload: Uint8Array;
}

/** Messages that wait to be written at most, so that a long replay does not have to fit into memory. */
const waitingMax = 1000;

/** `system.dead_letters`: the last word of the stream on each id, written in batches. The table must be empty at first. */
export class DeadLetterTable {
  readonly #put: Statement;
  readonly #remove: Statement;
  readonly #removeBefore: Statement;
  #waiting: DeadLetterMessage[] = [];
  #first = 0;
  #forgottenBefore = 0;
  /** Rows written or removed since the start. */
  rowsTouched = 0;

  constructor(readonly database: SystemDatabase) {
    const { client } = database;
    const names = ['rowid', ...getTableConfig(deadLetters).columns.map(({ name }) => name)];
    this.#put = client.prepare(
      `INSERT OR REPLACE INTO dead_letters (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    );
    this.#remove = client.prepare('DELETE FROM dead_letters WHERE id = ?');
    this.#removeBefore = client.prepare('DELETE FROM dead_letters WHERE rowid < ?');
  }

  take(message: DeadLetterMessage): void {
    this.#waiting.push(message);
    if (this.#waiting.length >= waitingMax) this.flush();
  }

  /** The stream has dropped what stood before this place. Whether that is news. */
  forgetBefore(sequence: number): boolean {
    this.#first = sequence;
    return this.#forgottenBefore < sequence;
  }

  /** Brings the table up to date. Throws what SQLite throws; then nothing is written, and nothing is forgotten. */
  flush(): void {
    if (this.#waiting.length === 0 && this.#forgottenBefore === this.#first) return;
    this.rowsTouched += this.database.transaction(() => {
      let touched = 0;
      for (const message of this.#waiting) {
        const { changes } = message.letter
          ? this.#put.run(rowOf(message, message.letter))
          : this.#remove.run(message.id);
        touched += changes;
      }
      return touched + this.#removeBefore.run(this.#first).changes;
    });
    this.#waiting = [];
    this.#forgottenBefore = this.#first;
  }
}

function rowOf({ id, sequence, atMs, payload }: DeadLetterMessage, letter: DeadLetter): unknown[] {
  const { connection, pipeline, error, definitionRevision, origin } = letter;
  const row: typeof deadLetters.$inferSelect = {
    id,
    timestamp: moment(atMs),
    connection,
    pipeline: pipeline ?? null,
    subject: origin.subject,
    sequence: origin.stored?.sequence ?? null,
    error,
    payload: payloadText(payload),
    headers: origin.headers ? JSON.stringify(origin.headers) : null,
    definition_revision: definitionRevision,
  };
  return [sequence, ...getTableConfig(deadLetters).columns.map(({ name }) => row[name as keyof typeof row])];
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function payloadText(payload: Uint8Array): string {
  try {
    return utf8.decode(payload);
  } catch {
    return Buffer.from(payload).toString('base64');
  }
}
