import type { Message } from '@laminar/codecs';
import type { DeadLetterOrigin } from '@laminar/protocol';

/** The message of a dead letter, saying of itself what it said when it came. */
export class LetterMessage implements Message {
  constructor(
    readonly origin: DeadLetterOrigin,
    readonly data: Uint8Array,
  ) {}

  get subject(): string {
    return this.origin.subject;
  }
  get reply(): string | undefined {
    return this.origin.reply;
  }
  get timestampMs(): number {
    return this.origin.timestampMs;
  }
  get sequence(): number | undefined {
    return this.origin.stored?.sequence;
  }
  get stream(): string | undefined {
    return this.origin.stored?.stream;
  }
  get consumer(): string | undefined {
    return this.origin.stored?.consumer;
  }
  get delivered(): number | undefined {
    return this.origin.stored?.delivered;
  }
  headers(): { [name: string]: string[] } | undefined {
    const { headers } = this.origin;
    return headers && Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, [...values]]));
  }
  header(name: string): string | undefined {
    return this.origin.headers?.[name]?.[0];
  }
}
