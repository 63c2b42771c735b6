import type { OutputHistory, OutputMessage, Settle, Sink } from '../contract.js';

/** A sink that does as another one does, for those that add something to it. */
export abstract class ForwardingSink implements Sink {
  constructor(readonly inner: Sink) {}

  get problem(): string | undefined {
    return this.inner.problem;
  }
  get history(): OutputHistory | undefined {
    return this.inner.history;
  }
  open(): Promise<void> {
    return this.inner.open();
  }
  publish(message: OutputMessage, settled?: Settle, publisher?: object): void {
    this.inner.publish(message, settled, publisher);
  }
  withdraw(publisher: object): void {
    this.inner.withdraw?.(publisher);
  }
  ready(): Promise<void> | undefined {
    return this.inner.ready();
  }
  flush(): void {
    this.inner.flush();
  }
  confirmed(): Promise<void> {
    return this.inner.confirmed();
  }
  close(timeoutMs: number): Promise<void> {
    return this.inner.close(timeoutMs);
  }
}
