import { DefinitionRejected, type FunctionLanguage } from '@laminar/definitions';
import type { DefinedKind } from '@laminar/protocol';
import type { Statement } from '@laminar/sql';
import { create, drop, type Intent, put, setDesired, setOptions } from '../definitions/intent.js';

/** A statement that may change something. */
type Changing = Extract<
  Statement,
  {
    type:
      | 'create_connection'
      | 'create_table'
      | 'create_pipeline'
      | 'create_function'
      | 'alter'
      | 'start_pipeline'
      | 'stop_pipeline'
      | 'drop';
  }
>;

/** What a statement wants of the catalog; undefined for one that only reads. Throws `DefinitionRejected`. */
export function toIntent(statement: Statement): Intent | undefined {
  switch (statement.type) {
    case 'create_connection': {
      const { connector, options } = statement;
      return defining('connection', statement, { connector, options });
    }
    case 'create_table':
      return defining('table', statement, tableBody(statement));
    case 'create_pipeline': {
      const { query, options } = statement;
      return defining('pipeline', statement, { query, options });
    }
    case 'create_function': {
      const { name, orReplace, arguments: args, returns, language, body } = statement;
      // What is no language is refused with the rest of the function.
      const definition = { arguments: args, returns, language: language as FunctionLanguage, body };
      return defining('function', { name, orReplace, ifNotExists: false }, definition);
    }
    case 'alter':
      return setOptions(statement.kind, statement.name, statement.options);
    case 'start_pipeline':
      return setDesired('Start', statement.name);
    case 'stop_pipeline':
      return setDesired('Stop', statement.name);
    case 'drop': {
      const { kind, name, cascade, ifExists } = statement;
      return drop(kind, name, { cascade, ifExists });
    }
    default:
      return undefined;
  }
}

type Creating = Pick<Extract<Changing, { ifNotExists: boolean }>, 'name' | 'orReplace' | 'ifNotExists'>;

function defining<K extends DefinedKind>(
  kind: K,
  { name, orReplace, ifNotExists }: Creating,
  body: Parameters<typeof put<K>>[2],
): Intent {
  return orReplace ? put(kind, name, body) : create(kind, name, body, { ifNotExists });
}

/** In SQL the connection of a table stands among its options. */
function tableBody({ columns, options }: Extract<Statement, { type: 'create_table' }>) {
  const { connector, ...others } = options;
  if (typeof connector === 'string') return { connector, columns, options: others };
  const message = `the option "connector" is missing: WITH (connector = 'connection', ...)`;
  throw new DefinitionRejected('invalid', message, [{ code: 'missing_option', message, pointer: '/connector' }]);
}
