import type { SecretSource } from '../index.js';

/** Secrets that a test sets and takes away. */
export class TestSecrets implements SecretSource {
  readonly #values: Map<string, string>;

  constructor(values: { readonly [name: string]: string }) {
    this.#values = new Map(Object.entries(values));
  }

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  find(name: string) {
    const value = this.#values.get(name);
    return value === undefined ? { problem: `the secret "${name}" is not there` } : { value };
  }
}
