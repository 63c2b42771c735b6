import type { Connection, FileSource, SecretSource, Sink, SoleWriting } from '@laminar/connectors';
import type { ConnectionCounters } from '../delivery/counters.js';
import type { ConnectionSpec } from '../desired/slot.js';
import { JobLog } from '../logs/job-log.js';
import type { LogPublisher } from '../logs/log-publisher.js';
import { ConnectionLoop, type ConnectionStanding } from './connection-loop.js';
import { SlotCounter } from './slot-counter.js';

/** Whoever used it has waited for its rows by then, as long as a drain takes; a process that ends has 7 s for both. */
const closeTimeoutMs = 1000;
const receivesNothing = { messages: 0, bytes: 0, dropped: 0 } as const;

/** Where the rows of pipelines go: a sink, open or not, that its users are told about. */
export interface RowTarget {
  /** Undefined while it is not open. */
  readonly sink: Sink | undefined;
  /** It is on its way to be open, and nothing is known to be wrong. */
  readonly opening: boolean;
  /** Why it is not open, or why nothing gets confirmed; undefined when all is well. */
  readonly problem: string | undefined;
  /** Undefined while it is not open, and where others write to it, too. */
  readonly soleWriting?: SoleWriting | undefined;
}

export interface SharedSinkOptions {
  readonly spec: ConnectionSpec;
  readonly clientName: string;
  readonly secrets: SecretSource;
  readonly files: FileSource;
  readonly logs: LogPublisher;
  readonly counters: ConnectionCounters;
  /** `sink` came or went, or the standing changed. */
  onChange(): void;
}

/** One socket to a sink connection, shared by all pipelines of this process that write to it; or that of a pipeline which writes to its stream alone. */
export class SharedSink implements RowTarget {
  readonly spec: ConnectionSpec;
  #sink: Sink | undefined;
  #soleWriting: SoleWriting | undefined;
  #endUse: () => void = () => undefined;
  readonly #loop: ConnectionLoop;
  readonly #counter: SlotCounter;

  constructor(options: SharedSinkOptions) {
    const { spec, clientName, secrets, files, logs, counters, onChange } = options;
    this.spec = spec;
    this.#counter = new SlotCounter(counters);
    this.#loop = new ConnectionLoop({
      spec,
      clientName,
      secrets,
      files,
      log: new JobLog(spec.name, logs),
      onStanding: onChange,
      use: async (connection, lost, inUse) => {
        const released = new Promise<void>((resolve) => {
          this.#endUse = resolve;
        });
        if (this.#loop.stopped) return;
        const soleWriting = spec.soleWriter === undefined ? undefined : connection.soleWriting(spec.soleWriter);
        const sink = soleWriting?.sink ?? connection.sink();
        this.#counter.follow(receivesNothing);
        await sink.open();
        this.#sink = sink;
        this.#soleWriting = soleWriting;
        inUse();
        onChange();
        try {
          await Promise.race([released, rejectionOf(lost), ...(soleWriting ? [soleWriting.broken] : [])]);
        } finally {
          this.#sink = undefined;
          this.#soleWriting = undefined;
          this.count();
          onChange();
          await sink.close(lost.aborted ? 0 : closeTimeoutMs);
        }
      },
    });
    this.#loop.start();
  }

  get sink(): Sink | undefined {
    return this.#sink;
  }

  get soleWriting(): SoleWriting | undefined {
    return this.#soleWriting;
  }

  get opening(): boolean {
    const { state } = this.standing;
    return this.#sink === undefined && (state === 'connecting' || state === 'connected');
  }

  get problem(): string | undefined {
    if (this.#sink) return this.#sink.problem;
    const { state, message } = this.standing;
    return `the sink "${this.spec.name}" is ${state}${message === '' ? '' : `: ${message}`}`;
  }

  get standing(): ConnectionStanding {
    return this.#loop.standing;
  }

  get connection(): Connection | undefined {
    return this.#loop.connection;
  }

  get lastError(): string | undefined {
    return this.#loop.lastError;
  }

  /** Adds up what was counted since the last call. */
  count(): void {
    this.#counter.count(this.connection?.snapshot().reconnects ?? 0);
  }

  /** Tries to connect now, where it could not. */
  retry(): void {
    this.#loop.retry();
  }

  /** Confirms what was published, as far as it can within its limit, and closes. */
  async close(): Promise<void> {
    this.#endUse();
    await this.#loop.stop();
  }
}

/** Rejects with the signal's reason once it is aborted. */
function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
