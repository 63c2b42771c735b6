import type { TSchema } from 'typebox';
import { connectionOptions } from './connection/options.js';
import { type Role, roleNames, roles } from './connection/role.js';
import { connectionIssues } from './connection/validate.js';
import type { Options } from './option-value.js';
import { pipelineOptions } from './pipeline/options.js';
import { tableOptions } from './table/options.js';

/** A schema as the parts of it that the reference says. */
interface Shape {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: { readonly [name: string]: Shape };
  readonly default?: unknown;
  readonly description?: string;
}

/** The reference of all options, page by page, made of their schemas; by path under `docs/reference`. */
export function optionsReference(): { readonly [page: string]: string } {
  return {
    'connection-options.md': connectionPage(),
    'table-options.md': page(
      'Options of a table',
      'Options of `CREATE TABLE name ( ... ) WITH ( connector = ..., option = value, ... )`. `connector` names the connection that the table reads.',
      simpleTable(tableOptions),
    ),
    'pipeline-options.md': page(
      'Options of a pipeline',
      'Options of `CREATE PIPELINE name WITH ( option = value, ... ) AS query`; all of them may be left out.',
      simpleTable(pipelineOptions),
    ),
  };
}

const page = (title: string, introduction: string, ...parts: readonly string[]): string =>
  [`# ${title}`, `<!-- Made by \`npm run docs\` of the options' schemas: change those. -->`, introduction, ...parts]
    .join('\n\n')
    .concat('\n');

function connectionPage(): string {
  const needed = new Map(roles.map((role) => [role, requiredIn(role)]));
  const options = Object.entries(connectionOptions).map(([name, { schema, roles: applies }]) => {
    const shape: Shape = schema as TSchema;
    const requiredBy = applies.filter((role) => needed.get(role)?.has(name));
    const required = requiredBy.length === applies.length ? 'yes' : rolesAs(requiredBy);
    return [`\`${name}\``, typeOf(shape), defaultOf(shape), required, rolesAs(applies), shape.description ?? ''];
  });
  return page(
    'Options of a connection',
    'Options of `CREATE CONNECTION name TO nats ( option = value, ... )`, and of `options` in the REST API, by the same names. Which of them apply depends on how the connection is used; one that would have no effect is refused.',
    '## Uses of a connection',
    table(
      ['use', 'is', 'by'],
      roles.map((role) => [role, roleNames[role], sqlOf(roleOptions[role])]),
    ),
    '## Options',
    table(['name', 'type', 'default', 'required', 'applies to', 'description'], options),
    'Where a stream is read, `subject` may be left out if `stream_subjects` or `filter_subjects` stands there. `sources` are all uses that begin with `source-`, `sinks` those with `sink-`; ' +
      'durations are in the unit that the name ends with (`stream_max_age` is seconds).',
  );
}

/** What makes a connection one of each use. */
const roleOptions: { readonly [role in Role]: Options } = {
  'source-core': { type: 'source' },
  'source-pull': { type: 'source', jetstream: true },
  'source-push': { type: 'source', jetstream: true, consumer_pull: false },
  'source-ordered': { type: 'source', jetstream: true, consumer_ordered: true },
  'source-kv': { type: 'source', jetstream: true, kv_bucket: '...' },
  'source-object': { type: 'source', jetstream: true, object_bucket: '...' },
  'sink-core': { type: 'sink' },
  'sink-jetstream': { type: 'sink', jetstream: true },
};

/** The options that the validation asks for where nothing but the use is given, and those that make it that use by a name of the user's. */
function requiredIn(role: Role): ReadonlySet<string> {
  const options = roleOptions[role];
  const asked = connectionIssues({ connector: 'nats', options })
    .filter(({ code }) => code === 'missing_option')
    .map(({ pointer }) => pointer?.split('/').at(-1) ?? '');
  return new Set([...asked, 'type', ...Object.keys(options).filter((name) => options[name] === '...')]);
}

const sqlOf = (options: Options): string =>
  Object.entries(options)
    .map(([name, value]) => `\`${name} = ${typeof value === 'string' ? `'${value}'` : value}\``)
    .join(', ');

const groups: readonly (readonly [string, readonly Role[]])[] = [
  ['all', roles],
  ['sources', roles.filter((role) => role.startsWith('source-'))],
  ['sinks', roles.filter((role) => role.startsWith('sink-'))],
];

/** As few names as say it. */
function rolesAs(applies: readonly Role[]): string {
  const rest = new Set(applies);
  const names: string[] = [];
  for (const [name, members] of groups) {
    if (!members.every((role) => rest.has(role))) continue;
    names.push(name);
    for (const role of members) rest.delete(role);
    if (rest.size === 0) break;
  }
  return [...names, ...rest].join(', ');
}

const simpleTable = (options: { readonly [name: string]: TSchema }): string =>
  table(
    ['name', 'type', 'default', 'description'],
    Object.entries(options).map(([name, schema]) => {
      const shape: Shape = schema;
      return [`\`${name}\``, typeOf(shape), defaultOf(shape), shape.description ?? ''];
    }),
  );

function typeOf(shape: Shape): string {
  if (shape.const !== undefined) return `\`${shape.const}\``;
  if (shape.enum) return shape.enum.map((value) => `\`'${value}'\``).join(', ');
  if (shape.anyOf) return shape.anyOf.map(typeOf).join(', or ');
  if (shape.type === 'array') return `list of ${shape.items ? typeOf(shape.items) : 'values'}s`;
  if (shape.type === 'object')
    return `map of ${Object.keys(shape.properties ?? {})
      .map((name) => `\`${name}\``)
      .join(', ')}`;
  if (shape.type !== 'integer') return shape.type ?? '';
  const { minimum, maximum } = shape;
  return maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
    ? `integer from ${minimum}`
    : `integer, ${minimum} to ${maximum}`;
}

const defaultOf = ({ default: value }: Shape): string =>
  value === undefined ? '' : `\`${typeof value === 'string' ? `'${value}'` : value}\``;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
