import { FieldName } from '@laminar/codecs';
import type { Emitter } from './emit.js';

/** The fields that the code of expressions reads, each a variable of the row's function. */
export class FieldReads {
  readonly #variables = new Map<string, string>();
  readonly #names = new Map<string, FieldName>();
  #declared = 0;

  /** The variable that holds the field. */
  readonly variable = (name: string): string => {
    const variable = this.#variables.get(name) ?? `f${this.#variables.size}`;
    this.#variables.set(name, variable);
    return variable;
  };

  /** The same name is the same object, so that it is one constant. */
  name(text: string): FieldName {
    const name = this.#names.get(text) ?? new FieldName(text);
    this.#names.set(text, name);
    return name;
  }

  /** The code that reads the fields which were asked for since the last time. */
  declarations(emitter: Emitter): string {
    const added = [...this.#variables].slice(this.#declared);
    this.#declared = this.#variables.size;
    return added
      .map(([name, variable]) => `const ${variable} = decoded.field(${emitter.constant(this.name(name))});`)
      .join('\n');
  }
}
