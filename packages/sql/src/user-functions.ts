import type { Catalog, ColumnType, FunctionDefinition, FunctionLanguage } from '@laminar/definitions';

/** The functions of users that a query may call, as the binder sees them. Offered by the catalog (`catalogFunctions`). */
export interface Functions {
  get(name: string): UserFunction | undefined;
  names(): Iterable<string>;
}

/** A function of a user; types by their canonical names. */
export interface UserFunction {
  readonly name: string;
  readonly arguments: readonly { readonly name: string; readonly type: ColumnType }[];
  readonly returns: ColumnType;
  readonly language: FunctionLanguage;
  readonly body: string;
}

export const noFunctions: Functions = { get: () => undefined, names: () => [] };

/** The functions of the catalog: always what it holds at the moment of asking. */
export function catalogFunctions(catalog: Catalog): Functions {
  return {
    get(name) {
      const record = catalog.get('function', name);
      return record && userFunction(name, record.definition);
    },
    *names() {
      for (const { name } of catalog.values('function')) yield name;
    },
  };
}

/** The types of a definition were checked when it was accepted. */
export const userFunction = (name: string, definition: Omit<FunctionDefinition, 'calls'>): UserFunction => ({
  name,
  arguments: definition.arguments.map((argument) => ({ name: argument.name, type: argument.type as ColumnType })),
  returns: definition.returns as ColumnType,
  language: definition.language,
  body: definition.body,
});
