import { crc32 } from 'node:zlib';
import type { PlannedFault } from './schedule.js';

/** What a message is good for. */
export type Fate =
  /** It gives the rows that its number says. */
  | 'plain'
  /** Its payload is cut off: no pipeline can read it. */
  | 'undecodable'
  /** The pipeline that divides by its field `z` fails at it; the others do not. */
  | 'failing';

/** The fault that is no event but a share of the messages themselves. */
export const poisonKind = 'poison messages';
/** So many messages from the fault's position on hold the poison, every third of them, in turn of both kinds. */
const poisonLength = 60;
const poisonEvery = 3;

const encoder = new TextEncoder();
const filler = 'a remark that makes the message about as long as messages are';

/** The messages of a campaign: what each holds is decided by its number, the seed and the schedule. */
export class Messages {
  readonly #fates: Uint8Array;

  constructor(
    readonly seed: number,
    readonly count: number,
    schedule: readonly PlannedFault[] = [],
  ) {
    this.#fates = new Uint8Array(count);
    for (const { kind, at } of schedule) {
      if (kind !== poisonKind) continue;
      for (let i = 0; i * poisonEvery < poisonLength; i++) {
        const n = at + i * poisonEvery;
        if (n < count) this.#fates[n] = 1 + (i % 2);
      }
    }
  }

  fate(n: number): Fate {
    return fates[this.#fates[n] ?? 0] ?? 'plain';
  }

  /** 32 bits of the seed and the number, in hex: a row that brings it was made of this message. */
  checksum(n: number): string {
    return crc32(`${this.seed}:${n}`).toString(16);
  }

  payload(n: number): Uint8Array {
    const fate = this.fate(n);
    const z = fate === 'failing' ? 0 : 1 + (n % 6);
    const text = `{"n":${n},"c":"${this.checksum(n)}","z":${z},"p":"${filler}"`;
    return encoder.encode(fate === 'undecodable' ? text : `${text}}`);
  }
}

const fates: readonly Fate[] = ['plain', 'undecodable', 'failing'];
