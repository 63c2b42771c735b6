import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';
import type { Issue } from './errors.js';
import { nearestName } from './names.js';
import type { Options } from './option-value.js';

/** Marks the schema of an option whose value is repeated in no error. */
export const confidential = 'x-confidential';

/** Unknown names and wrong values among `options`, each with its pointer under `/options`. */
export function optionIssues(options: Options, schemas: { readonly [name: string]: TSchema }): Issue[] {
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries(options)) {
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (schema === undefined) {
      const nearest = nearestName(name, Object.keys(schemas));
      const hint =
        nearest === undefined ? `known options are ${Object.keys(schemas).join(', ')}` : `did you mean "${nearest}"?`;
      issues.push({
        code: 'unknown_option',
        message: `there is no option "${name}"; ${hint}`,
        pointer: optionPointer(name),
      });
    } else if (!Check(schema, value)) issues.push(...valueIssues(name, schema, value));
  }
  return issues;
}

/** What is wrong with a value that is not of its schema; of a map each entry. */
function valueIssues(name: string, schema: TSchema, value: unknown): Issue[] {
  const { properties }: SchemaFacts = schema;
  if (properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) {
    const butIs = confidential in schema ? '' : `, but is ${shown(value)}`;
    const message = `"${name}" must be ${expectation(schema)}${butIs}`;
    return [{ code: 'invalid_option', message, pointer: optionPointer(name) }];
  }
  const keys = Object.keys(properties);
  return Object.entries(value).flatMap(([key, entry]): Issue[] => {
    const pointer = `${optionPointer(name)}/${escaped(key)}`;
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined) {
      const nearest = nearestName(key, keys);
      const hint = nearest === undefined ? `its keys are ${keys.join(' and ')}` : `did you mean "${nearest}"?`;
      return [{ code: 'invalid_option', message: `"${name}" has no key "${key}"; ${hint}`, pointer }];
    }
    if (Check(property, entry)) return [];
    const message = `"${name}": "${key}" must be ${expectation(property)}, but is ${shown(entry)}`;
    return [{ code: 'invalid_option', message, pointer }];
  });
}

const shownCharsMax = 100;

/** The beginning of a value is enough to know it again. */
function shown(value: unknown): string {
  const characters = [...String(JSON.stringify(value))];
  return characters.length <= shownCharsMax ? characters.join('') : `${characters.slice(0, shownCharsMax).join('')}…`;
}

export const optionPointer = (name: string): string => `/options/${escaped(name)}`;

/** A step of a JSON pointer. */
const escaped = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1');

interface SchemaFacts {
  type?: string;
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly SchemaFacts[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxLength?: number;
  items?: SchemaFacts;
  properties?: { readonly [name: string]: TSchema };
}

function expectation(schema: SchemaFacts): string {
  if (schema.anyOf) return schema.anyOf.map(expectation).join(' or ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'integer') {
    if (schema.minimum === undefined) return 'a whole number';
    if (schema.maximum === undefined) return `a whole number of at least ${schema.minimum}`;
    return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  }
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'object') {
    const entries = Object.entries(schema.properties ?? {}).map(([key, entry]) => `"${key}": ${expectation(entry)}`);
    return `a map of ${entries.join(', and ')}`;
  }
  if (schema.type === 'array') return `a list, each item ${expectation(schema.items ?? {})}`;
  if (schema.pattern !== undefined) return 'a name without dots, wildcards, slashes or white space';
  return schema.maxLength === undefined ? 'a text that is not empty' : `a text of 1 to ${schema.maxLength} characters`;
}
