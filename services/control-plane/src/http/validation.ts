import { type Issue, nearestName } from '@laminar/definitions';
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Refusal, told } from '../refusal.js';

/** Options are judged by `@laminar/definitions`, for SQL and REST alike. */
const judgedElsewhere = /^\/options\//;

/** What answers add to a definition, so that it comes back when somebody edits one and sends it. */
const readOnlyFields: ReadonlySet<string> = new Set([
  'version',
  'revision',
  'created_at',
  'updated_at',
  'warnings',
  'status',
  'delivery',
]);

/** The facts of a JSON schema that are asked for here. */
interface SchemaFacts {
  readonly type?: string;
  readonly properties?: { readonly [name: string]: SchemaFacts };
  readonly items?: SchemaFacts;
}

const compiled = new WeakMap<TSchema, Validator>();

/** The body, known to be of its schema but for what stands below `/options`. Throws a `Refusal` with a pointer for each fault. */
export function readBody<S extends TSchema>(schema: S, body: unknown): Static<S> {
  const issues = schemaIssues(schema, body).filter(({ pointer }) => !judgedElsewhere.test(pointer ?? ''));
  if (issues.length === 0) return body as Static<S>;
  throw new Refusal('invalid_body', told(issues), { issues });
}

/** The query parameters as their schema types them. Throws a `Refusal`. */
export function readQuery<S extends TSchema>(schema: S, query: unknown): Static<S> {
  const values = typed(schema as SchemaFacts, query as { readonly [name: string]: unknown });
  const issues = schemaIssues(schema, values);
  const unknown = issues.find(({ code }) => code === 'unknown_field');
  if (unknown) throw new Refusal('unknown_parameter', unknown.message.replace('field', 'query parameter'));
  const [first] = issues;
  if (first) throw new Refusal('invalid_parameter', `query parameter ${first.message}`);
  return values as Static<S>;
}

function typed({ properties = {} }: SchemaFacts, query: { readonly [name: string]: unknown }): unknown {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      const type = Object.hasOwn(properties, name) ? properties[name]?.type : undefined;
      if (typeof value === 'string' && type === 'integer' && /^-?\d{1,15}$/.test(value)) return [name, Number(value)];
      if (type === 'boolean' && (value === 'true' || value === 'false')) return [name, value === 'true'];
      return [name, value];
    }),
  );
}

function schemaIssues(schema: TSchema, value: unknown): Issue[] {
  const validator = compiled.get(schema) ?? Compile(schema);
  compiled.set(schema, validator);
  if (validator.Check(value)) return [];
  return validator.Errors(value).flatMap((error): Issue[] => {
    const at = error.instancePath;
    switch (error.keyword) {
      // Said again, with the name, by the object that the property belongs to.
      case 'boolean':
        return [];
      case 'required':
        return error.params.requiredProperties.map((name) => ({
          code: 'missing_field',
          message: `"${name}" is missing`,
          pointer: `${at}/${name}`,
        }));
      case 'additionalProperties': {
        const known = Object.keys(schemaAt(schema as SchemaFacts, at).properties ?? {});
        return error.params.additionalProperties.map((name) => unknownField(name, at, known));
      }
      case 'enum': {
        const allowed = error.params.allowedValues.map((allowed) => JSON.stringify(allowed)).join(' or ');
        return [{ code: 'invalid_value', message: `${called(at)} must be ${allowed}`, pointer: at }];
      }
      default:
        return [{ code: 'invalid_value', message: `${called(at)} ${error.message}`, pointer: at }];
    }
  });
}

function unknownField(name: string, at: string, known: readonly string[]): Issue {
  const pointer = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (at === '' && readOnlyFields.has(name))
    return {
      code: 'read_only_field',
      message: `"${name}" is what the service says of a definition; leave it out`,
      pointer,
    };
  const nearest = nearestName(name, known);
  const there = known.length === 0 ? 'none is known here' : `known are ${known.join(', ')}`;
  const hint = nearest === undefined ? there : `did you mean "${nearest}"?`;
  return { code: 'unknown_field', message: `there is no field "${name}"; ${hint}`, pointer };
}

/** The part of a schema that a JSON pointer into a value leads to. */
function schemaAt(schema: SchemaFacts, pointer: string): SchemaFacts {
  let part = schema;
  for (const step of pointer.split('/').slice(1)) part = part.items ?? part.properties?.[step] ?? {};
  return part;
}

const called = (pointer: string): string => (pointer === '' ? 'the body' : `"${pointer.slice(1)}"`);
