import { type Permissions, permissionRefusal } from '@laminar/definitions';
import { NotPermitted, type OutputMessage, type Settle, type Sink } from '../contract.js';
import { ForwardingSink } from './forwarding-sink.js';

/** Subjects of which it is remembered that they are allowed; they may come from data. */
const rememberedMax = 1000;

/** The sink with the connection's own permissions before it; the sink itself where they allow everything. */
export function guardedSink(sink: Sink, permissions: Permissions | undefined): Sink {
  return permissions?.publish === undefined ? sink : new GuardedSink(sink, permissions);
}

class GuardedSink extends ForwardingSink {
  readonly #allowed = new Set<string>();

  constructor(
    sink: Sink,
    readonly permissions: Permissions,
  ) {
    super(sink);
  }

  override publish(message: OutputMessage, settled?: Settle, publisher?: object): void {
    if (!this.#allowed.has(message.subject)) this.#admit(message.subject);
    this.inner.publish(message, settled, publisher);
  }

  #admit(subject: string): void {
    const refusal = permissionRefusal(this.permissions, { operation: 'publish', subject });
    if (refusal !== undefined) throw new NotPermitted(refusal);
    if (this.#allowed.size >= rememberedMax) this.#allowed.clear();
    this.#allowed.add(subject);
  }
}
