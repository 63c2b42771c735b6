import {
  type Catalog,
  connectionIssues,
  connectionOptionsSchema,
  type DefinitionOfKind,
  DefinitionRejected,
  type DeliveringPipeline,
  type Desired,
  deliveryRefusal,
  type FunctionLanguage,
  functionIssues,
  functionLanguages,
  type Issue,
  misfitColumnIssues,
  nearestName,
  normalizeFunction,
  normalizeTable,
  type Options,
  pipelineIssues,
  pipelineOptions,
  type QueryTraits,
  retryRefusal,
  tableIssues,
  tableOptions,
  takenStreamRefusal,
} from '@laminar/definitions';
import type { DraftOfKind } from '@laminar/definitions/decisions';
import type { DefinedKind, Kind } from '@laminar/protocol';
import Type, { type TSchema } from 'typebox';
import { readBody } from '../http/validation.js';
import { told } from '../refusal.js';
import { checkFunction } from './function-check.js';
import { checkQuery } from './query-check.js';

/** The schema of an object of options, which in a program are just `Options`: their values are judged with the definition. */
const options = (schema: TSchema) => Type.Unsafe<Options>(schema);

const columnSchema = Type.Object(
  {
    name: Type.String({ description: 'The field that is read; matched without regard to case.' }),
    type: Type.String({ description: "A type by PostgreSQL's name, such as BIGINT." }),
  },
  { additionalProperties: false },
);

const connectionBody = Type.Object(
  {
    connector: Type.String({ description: 'How messages are reached: `nats`.', examples: ['nats'] }),
    options: options(connectionOptionsSchema),
  },
  { additionalProperties: false },
);

const tableBody = Type.Object(
  {
    connector: Type.String({ description: 'The connection that the table reads.' }),
    columns: Type.Array(columnSchema),
    options: Type.Optional(options(optionalObject(tableOptions, 'Options of the table.'))),
  },
  { additionalProperties: false },
);

const desiredSchema = Type.Enum(['running', 'stopped'], {
  description: 'Whether it is to run; left out, a pipeline keeps what it is, and a new one runs.',
});

const pipelineBody = Type.Object(
  {
    query: Type.String({ description: 'SELECT ... or INSERT INTO sink SELECT ..., either under WITH.' }),
    desired: Type.Optional(Type.Unsafe<Desired>(desiredSchema)),
    options: Type.Optional(options(optionalObject(pipelineOptions, 'Options of the pipeline.'))),
  },
  { additionalProperties: false },
);

const functionBody = Type.Object(
  {
    arguments: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: 'By which the body knows it.' }),
          type: Type.String({ description: "A type by PostgreSQL's name, such as BIGINT." }),
        },
        { additionalProperties: false },
      ),
    ),
    returns: Type.String({ description: 'The type of the result.' }),
    language: Type.Unsafe<FunctionLanguage>(Type.Enum([...functionLanguages])),
    body: Type.String({
      description:
        "Of sql one expression over the arguments; of javascript the statements of a function, with `return`; of nats the subject of the mesh's bus that is asked.",
    }),
  },
  { additionalProperties: false },
);

function optionalObject(schemas: { readonly [name: string]: TSchema }, description: string): TSchema {
  const properties = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, Type.Optional(schema)]));
  return Type.Object(properties, { additionalProperties: false, description });
}

/** A definition as requests and answers write it, without its name. */
export interface BodyOfKind {
  connection: { readonly connector: string; readonly options: Options };
  table: {
    readonly connector: string;
    readonly columns: readonly { readonly name: string; readonly type: string }[];
    readonly options: Options;
  };
  pipeline: { readonly query: string; readonly desired?: Desired | undefined; readonly options: Options };
  function: Omit<DefinitionOfKind['function'], 'calls'>;
}

/** What sets one kind of definition apart from the others. */
export interface DefinitionKind<K extends DefinedKind> {
  readonly kind: K;
  readonly bodySchema: TSchema & { readonly properties: { readonly [name: string]: TSchema } };
  /** Reads a body of the right form. Throws a `Refusal`. */
  read(body: unknown): BodyOfKind[K];
  /** What a body comes to in a catalog. Throws `DefinitionRejected` and `QueryRejected` where it does not hold. */
  settle(body: BodyOfKind[K], catalog: Catalog, name: string): DraftOfKind[K];
  bodyOf(definition: DefinitionOfKind[K]): BodyOfKind[K];
}

export const definitionKinds: { readonly [K in DefinedKind]: DefinitionKind<K> } = {
  connection: {
    kind: 'connection',
    bodySchema: connectionBody,
    read: (body) => readBody(connectionBody, body),
    settle({ connector, options }) {
      if (connector !== 'nats') {
        const hint = nearestName(connector, ['nats']) === undefined ? 'there is "nats"' : 'did you mean "nats"?';
        const message = `there is no connector "${connector}"; ${hint}`;
        refuse([{ code: 'unknown_connector', message, pointer: '/connector' }]);
      }
      const definition = { connector: 'nats', options } as const;
      refuse(connectionIssues(definition));
      return definition;
    },
    bodyOf: ({ connector, options }) => ({ connector, options }),
  },
  table: {
    kind: 'table',
    bodySchema: tableBody,
    read: (body) => ({ options: {}, ...readBody(tableBody, body) }),
    settle(body, catalog) {
      refuse([...tableIssues(body), ...unreadable(body.connector, catalog), ...unfitting(body, catalog)]);
      return normalizeTable(body);
    },
    bodyOf: ({ connector, columns, options }) => ({ connector, columns, options }),
  },
  pipeline: {
    kind: 'pipeline',
    bodySchema: pipelineBody,
    read: (body) => ({ options: {}, ...readBody(pipelineBody, body) }),
    settle(body, catalog, name) {
      refuse(pipelineIssues(body));
      const { references, bound } = checkQuery(body.query, catalog);
      const { reads, writes, calls } = references;
      refuse(unretryable({ name, options: body.options, reads }, catalog));
      if (bound.status === 'bound') checkDelivery({ name, options: body.options }, bound.query, catalog);
      return { ...body, reads, writes, calls };
    },
    bodyOf: ({ query, desired, options }) => ({ query, desired, options }),
  },
  function: {
    kind: 'function',
    bodySchema: functionBody,
    read: (body) => readBody(functionBody, body),
    settle(body, catalog, name) {
      refuse(functionIssues(body));
      const definition = normalizeFunction(body);
      return { ...definition, calls: checkFunction(name, definition, catalog) };
    },
    bodyOf: ({ calls, ...body }) => body,
  },
};

/** A definition of whichever kind as answers write it; of a secret there is nothing to write. */
export function bodyOf({
  kind,
  definition,
}: {
  readonly kind: Kind;
  readonly definition: DefinitionOfKind[Kind];
}): object {
  if (kind === 'secret') return {};
  // The kind says which of them it is.
  const { bodyOf } = definitionKinds[kind] as DefinitionKind<DefinedKind>;
  return bodyOf(definition as DefinitionOfKind[DefinedKind]);
}

/** A table over what can never give it a message. A connection that is missing may still come. */
function unreadable(connector: string, catalog: Catalog): Issue[] {
  const relation = catalog.relation(connector);
  const isSink =
    relation?.kind === 'connection' && catalog.get('connection', connector)?.definition.options.type === 'sink';
  if (relation?.kind !== 'table' && !isSink) return [];
  const what = isSink ? 'a connection of type sink' : 'a table';
  const message = `"${connector}" is ${what}; a table is over a connection of type source`;
  return [{ code: 'not_a_source', message, pointer: '/connector' }];
}

/** What can never be delivered again cannot be tried again. A connection that is missing may still come. */
function unretryable(pipeline: Parameters<typeof retryRefusal>[0], catalog: Catalog): Issue[] {
  const message = retryRefusal(pipeline, catalog);
  return message === undefined ? [] : [{ code: 'invalid_option', message, pointer: '/options/on_error' }];
}

/** A guarantee or a reader that cannot be kept (422), and a stream that is another pipeline's alone (409). What is missing may still come. */
function checkDelivery(pipeline: DeliveringPipeline, query: QueryTraits, catalog: Catalog): void {
  const refusal = deliveryRefusal(query, pipeline, catalog);
  if (refusal) refuse([{ code: 'invalid_option', message: refusal.reason, pointer: `/options/${refusal.option}` }]);
  const taken = takenStreamRefusal(query.sink, pipeline, catalog);
  if (taken !== undefined) throw new DefinitionRejected('conflict', taken);
}

/** Columns that the connection's messages do not have. */
function unfitting({ connector, columns }: BodyOfKind['table'], catalog: Catalog): Issue[] {
  const options = catalog.get('connection', connector)?.definition.options;
  return options === undefined ? [] : misfitColumnIssues(columns, options);
}

function refuse(issues: readonly Issue[]): void {
  if (issues.length > 0) throw new DefinitionRejected('invalid', told(issues), issues);
}
