import type { Cursor } from './cursor.js';

/** Where the parts of a definition stand in a script, by their pointers in the definition, such as `/columns/0/type`. In code points. */
export class Places {
  readonly offsets: { [pointer: string]: number } = {};

  constructor(readonly cursor: Cursor) {}

  /** Reads a part, which begins at the cursor. */
  mark<T>(pointer: string, read: () => T): T {
    this.offsets[pointer] = this.cursor.offset(this.cursor.token.start);
    return read();
  }
}
