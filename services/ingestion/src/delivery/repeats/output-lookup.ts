import type { HistoryPart, HistoryPlace, OutputHistory, StoredOutput } from '@laminar/connectors';
import { headers } from '@laminar/protocol';
import { originOf } from '../row-id.js';
import { PublishedRows, type RowsOfMessage } from './published-rows.js';

/** Rows that are kept of what was seen, over all pipelines. */
const rowsMax = 100_000;
/** What was seen is kept for that long after it was asked for last. */
const idleMaxMs = 30_000;
/** An output that grows faster than it is read is read to its end so many times, and no more. */
const passesMax = 20;

/** What is asked about one message. */
export interface Question {
  /** Pipeline and source, as ids of their rows have them. */
  readonly family: string;
  readonly sequence: number;
  /** No row of it was stored before, in Unix milliseconds by the clock of the output's server. */
  readonly sinceMs: number;
}

interface Asked extends Question {
  resolve(rows: RowsOfMessage): void;
  reject(error: unknown): void;
}

/** What was seen of the output so far. */
interface Seen {
  readonly sinceMs: number;
  families: ReadonlyMap<string, PublishedRows>;
  /** Undefined while nothing was read. */
  next: HistoryPlace | undefined;
  /** Monotonic milliseconds until which what was seen may be answered from. */
  freshUntilMs: number;
}

/**
 * Answers which rows of messages a stream holds already. One read of the stream at a time answers all questions that wait; what it saw is kept, so that the
 * next questions read on where it ended, as long as the stream is the same one. That no row is out may be told of what was kept alone, for half of the stream's duplicate window: what somebody else
 * stores after it was read, the stream itself refuses to take again. That rows are out the stream is asked each time: it may have been deleted or purged since, and then they are to be stored again.
 */
export class OutputLookup {
  #waiting: Asked[] = [];
  #seen: Seen | undefined;
  #reading = false;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly history: Pick<OutputHistory, 'read'>,
    readonly part: Pick<HistoryPart, 'stream' | 'subject'>,
  ) {}

  /** Whether it is known that no row of the message is out; where it is not, the stream has to be read for it. */
  hasNone(question: Question): boolean {
    const seen = this.#seen;
    if (!seen || performance.now() > seen.freshUntilMs || !covers(seen, question)) return false;
    return seen.families.get(question.family)?.of(question.sequence).size === 0;
  }

  /** Rejects with the `ConnectorError` of a stream that cannot be read. */
  find(question: Question): Promise<RowsOfMessage> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...question, resolve, reject });
      if (!this.#reading) void this.#read();
    });
  }

  async #read(): Promise<void> {
    this.#reading = true;
    // What one batch asks is asked together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const asked = this.#waiting;
      this.#waiting = [];
      try {
        const seen = this.#seen && asked.every((one) => covers(this.#seen as Seen, one)) ? this.#seen : begin(asked);
        this.#seen = undefined;
        await this.#readOn(seen);
        this.#seen = seen;
        for (const one of asked) {
          // There was no room for all of them: those are asked again.
          if (covers(seen, one)) one.resolve(seen.families.get(one.family)?.of(one.sequence) ?? new Map());
          else this.#waiting.push(one);
        }
      } catch (error) {
        for (const one of asked) one.reject(error);
      }
    }
    this.#reading = false;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      this.#seen = undefined;
    }, idleMaxMs).unref();
  }

  /** Reads up to the end, until a read was quick enough for its answer to be worth something. */
  async #readOn(seen: Seen): Promise<void> {
    for (let pass = 0; pass < passesMax; pass++) {
      const startedMs = performance.now();
      const before = seen.next;
      const part = { ...this.part, sinceMs: seen.sinceMs, goOn: before };
      const onStored = (stored: StoredOutput): void => {
        const origin = originOf(stored.header(headers.messageId) ?? '');
        const rows = origin && seen.families.get(origin.family);
        if (origin) rows?.add(origin.sequence, origin.row, Number(stored.header(headers.revision)));
      };
      const { next, duplicateWindowMs } = await this.history.read(part, onStored, () => forgetRows(seen));
      seen.next = next;
      seen.freshUntilMs = startedMs + duplicateWindowMs / 2;
      const isSame = next.sequence === before?.sequence && next.incarnation === before.incarnation;
      if (isSame || performance.now() - startedMs <= duplicateWindowMs / 4) return;
    }
  }
}

function covers({ sinceMs, families }: Seen, question: Question): boolean {
  return question.sinceMs >= sinceMs && families.get(question.family)?.knows(question.sequence) === true;
}

/** Nothing is seen yet of what these ask about. */
function begin(questions: readonly Question[]): Seen {
  const lowest = new Map<string, number>();
  let sinceMs = Number.POSITIVE_INFINITY;
  for (const { family, sequence, sinceMs: since } of questions) {
    lowest.set(family, Math.min(sequence, lowest.get(family) ?? sequence));
    sinceMs = Math.min(sinceMs, since);
  }
  const rowsMaxEach = Math.ceil(rowsMax / lowest.size);
  const families = new Map([...lowest].map(([family, from]) => [family, new PublishedRows(from, rowsMaxEach)]));
  return { sinceMs, families, next: undefined, freshUntilMs: 0 };
}

/** What was seen is not there any more. */
function forgetRows(seen: Seen): void {
  const forgotten = [...seen.families].map(([family, rows]) => [family, rows.emptied()] as const);
  seen.families = new Map(forgotten);
}
