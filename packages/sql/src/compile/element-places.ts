import type { Slot } from '../bind/expression.js';
import type { ListPaths, MessagePath } from '../bind/message-path.js';
import type { Emitter } from './emit.js';
import type { FieldReads } from './field-reads.js';

/** Code that finds an element where it stands in the message. */
interface Place {
  /** The `JsonElements` of its list, or null where the list does not stand there. */
  readonly elements: string;
  /** Which of them it is. */
  readonly index: string;
}

/** The variable that holds the elements of a list once they are found, and the function that finds them. */
interface Found {
  readonly variable: string;
  readonly search: string;
}

/**
 * Where the elements of the lists in FROM stand in the message, for those that go out as they came. A list is looked at when the first of its elements goes out,
 * and then once: a variable remembers what was found. Of lists that no output asks for there is no code.
 */
export class ElementPlaces {
  readonly #indices = new Map<Slot, string>();
  readonly #found = new Map<Slot, Found>();

  constructor(
    readonly lists: ListPaths,
    readonly emitter: Emitter,
    readonly fields: FieldReads,
  ) {}

  /** The elements stand in the slot one after the other, and the variable `index` says which, from 0. */
  enter(slot: Slot, index: string): void {
    this.#indices.set(slot, index);
  }

  /** Of the element in the slot of one of `lists`. */
  of(slot: Slot): Place {
    const path = this.lists.get(slot);
    const index = this.#indices.get(slot);
    if (!path || index === undefined) throw new Error(`the list of ${slot.name} stands nowhere`);
    const found = this.#found.get(slot) ?? this.#find(path);
    this.#found.set(slot, found);
    return { elements: `${found.search}()`, index };
  }

  /** Statements that forget what was found of the lists, which begin anew; to be asked for when all that asks for their elements was written. */
  forget(slots: readonly Slot[]): readonly string[] {
    return slots.flatMap((slot) => {
      const found = this.#found.get(slot);
      return found === undefined ? [] : [`${found.variable} = undefined;`];
    });
  }

  #find(path: MessagePath): Found {
    const variable = this.emitter.variable();
    const search = this.emitter.local(
      `${variable} === undefined ? ${variable} = ${this.#search(path)} ?? null : ${variable}`,
    );
    return { variable, search };
  }

  #search({ root, steps: path }: MessagePath): string {
    const steps = this.emitter.constant(path);
    if (root.op === 'payload') return `decoded.elements(undefined, ${steps})`;
    if (root.op === 'field') return `decoded.elements(${this.emitter.constant(this.fields.name(root.name))}, ${steps})`;
    const around = this.of(root.slot);
    return `${around.elements}?.within(${around.index}, ${steps})`;
  }
}
