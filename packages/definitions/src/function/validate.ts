import { isPublishableSubject } from '@laminar/protocol';
import type { FunctionDefinition } from '../definition.js';
import type { Issue } from '../errors.js';
import type { IssueCode } from '../issue-codes.js';
import { nearestName } from '../names.js';
import { isTypeProblem, parseDeclaredType } from '../table/declared-type.js';
import { functionLanguages } from './languages.js';

const argumentsMax = 32;
const bodyBytesMax = 64 * 1024;
/** Also a name in JavaScript. */
const argumentName = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

type Signature = Pick<FunctionDefinition, 'arguments' | 'returns' | 'language' | 'body'>;

/** Everything that is wrong with a function but for a body of SQL or JavaScript, which only binding or compiling it tells. */
export function functionIssues({ arguments: args, returns, language, body }: Signature): Issue[] {
  const issues: Issue[] = [];
  const refuse = (code: IssueCode, message: string, pointer: string) => issues.push({ code, message, pointer });
  if (args.length > argumentsMax)
    refuse('too_many_arguments', `a function takes at most ${argumentsMax} arguments`, '/arguments');
  const seen = new Set<string>();
  for (const [index, { name, type }] of args.entries()) {
    const pointer = `/arguments/${index}`;
    const folded = name.toLowerCase();
    if (!argumentName.test(name)) {
      const message =
        'the name of an argument begins with a letter or _, goes on with letters, digits and _, and has at most 63 characters';
      refuse('invalid_name', message, `${pointer}/name`);
    } else if (seen.has(folded)) {
      const message = `there are two arguments "${name}"; names match in any case, so rename one of them`;
      refuse('duplicate_argument', message, `${pointer}/name`);
    }
    seen.add(folded);
    const problem = typeProblem(type);
    if (problem !== undefined) refuse('unknown_type', problem, `${pointer}/type`);
  }
  const problem = typeProblem(returns);
  if (problem !== undefined) refuse('unknown_type', problem, '/returns');
  if (!functionLanguages.includes(language)) {
    const nearest = nearestName(String(language), functionLanguages);
    const hint = nearest === undefined ? `there are ${functionLanguages.join(', ')}` : `did you mean "${nearest}"?`;
    refuse('unknown_language', `there is no language "${language}"; ${hint}`, '/language');
  }
  const bytes = new TextEncoder().encode(body).length;
  if (body.trim() === '') refuse('empty_body', 'the body is empty', '/body');
  else if (bytes > bodyBytesMax)
    refuse('body_too_large', `the body has ${bytes} bytes; at most ${bodyBytesMax} are taken`, '/body');
  else if (language === 'nats' && !isPublishableSubject(body)) {
    const message =
      "the body of a function in the language nats is the subject that it asks: without wildcards and white space, and not one that begins with '$' or 'laminar.'";
    refuse('invalid_subject', message, '/body');
  }
  return issues;
}

/** The same function with each type by its canonical name; it must have no `functionIssues`. */
export function normalizeFunction<F extends Signature>(definition: F): F {
  return {
    ...definition,
    arguments: definition.arguments.map(({ name, type }) => ({ name, type: plainType(type) })),
    returns: plainType(definition.returns),
  };
}

function typeProblem(type: string): string | undefined {
  const parsed = parseDeclaredType(type);
  if (isTypeProblem(parsed)) return `${parsed.problem}; ${parsed.hint}`;
  // PostgreSQL takes the numbers and forgets them.
  if (parsed.bounds.length > 0)
    return `the types of a function take no numbers in brackets; write ${parsed.type}, and CAST(... AS ${type}) in the body`;
  return undefined;
}

function plainType(type: string): string {
  const parsed = parseDeclaredType(type);
  return isTypeProblem(parsed) ? type : parsed.type;
}
