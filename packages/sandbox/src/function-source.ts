/** A function as its author wrote it: the names of its arguments, and the body with its `return`. */
export interface FunctionSource {
  readonly parameters: readonly string[];
  readonly body: string;
}

/**
 * The function as an expression of JavaScript. In strict mode, where a function cannot reach itself and nothing becomes global by mistake. On a line of
 * its own the body may end in a comment, and lines count from the body's first by `bodyLine`.
 */
export const functionText = ({ parameters, body }: FunctionSource): string =>
  `(function (${parameters.join(', ')}) { "use strict";\n${body}\n})`;

/** The same as a method: a body that ends its own function early, to go on outside, cannot be right both ways. */
export const methodText = ({ parameters, body }: FunctionSource): string =>
  `({ call(${parameters.join(', ')}) { "use strict";\n${body}\n} })`;

/** The line of the texts above, counted from 1, on which the body begins. */
export const bodyLine = 2;
