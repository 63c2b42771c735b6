import Type, { type TSchemaOptions } from 'typebox';
import type { Issue } from '../errors.js';
import type { Options } from '../option-value.js';
import { mentionsSecret, referenceTo, type SecretOrText, secretOrText, secretReference } from '../secret/reference.js';
import { confidential, optionPointer } from '../validate-options.js';

const text = (options: TSchemaOptions) =>
  Type.String({ minLength: 1, maxLength: 4096, [confidential]: true, ...options });

/** How a connection proves who it is. */
export const credentialOptions = {
  token: text({ description: `Token, as a reference to a secret: ${referenceTo('name')}.` }),
  username: text({ description: 'User, as it is or as a reference to a secret.' }),
  user: text({ description: 'The same as `username`.' }),
  password: text({ description: `Password of that user, as a reference to a secret: ${referenceTo('name')}.` }),
  jwt: text({ description: 'User JWT, as a reference to a secret; goes with `nkey_seed`.' }),
  nkey_seed: text({ description: 'NKey seed, as a reference to a secret; alone, or of the user that `jwt` names.' }),
} as const;

type CredentialOption = keyof typeof credentialOptions;

/** Secrets that a definition must not hold itself. */
const referenceOnly: readonly CredentialOption[] = ['token', 'password', 'jwt', 'nkey_seed'];

/** How a connection proves who it is; `...Secret` is the name of a secret. */
export type Credentials =
  | { readonly type: 'none' }
  | { readonly type: 'token'; readonly tokenSecret: string }
  | { readonly type: 'user'; readonly user: SecretOrText; readonly passwordSecret: string }
  | { readonly type: 'nkey'; readonly seedSecret: string }
  | { readonly type: 'jwt'; readonly jwtSecret: string; readonly seedSecret: string };

/** What is wrong with the ways in which a connection is to prove who it is. The values given are in no message. */
export function credentialIssues(options: Options): Issue[] {
  const issues: Issue[] = [];
  const refuse = (name: string, message: string) =>
    issues.push({ code: 'invalid_option', message: `"${name}": ${message}`, pointer: optionPointer(name) });
  for (const [name, value] of Object.entries(options)) {
    const isCredential = Object.hasOwn(credentialOptions, name);
    if (!isCredential && mentionsSecret(value)) {
      refuse(name, `${referenceTo('...')} stands for ${Object.keys(credentialOptions).join(', ')} only`);
    } else if (isCredential && secretReference(value) === undefined) {
      if (mentionsSecret(value))
        refuse(name, `a reference is the whole value, ${referenceTo('name')}, with a name of letters, digits, _ and -`);
      else if (referenceOnly.includes(name as CredentialOption))
        refuse(name, `a definition is no place for a secret; store it and write ${referenceTo('name')}`);
    }
  }
  if (options.user !== undefined && options.username !== undefined)
    refuse('user', 'is the same as "username"; give one');
  const hasUser = options.user !== undefined || options.username !== undefined;
  if (options.password !== undefined && !hasUser) refuse('password', 'it needs a "username"');
  if (hasUser && options.password === undefined) {
    refuse(options.username === undefined ? 'user' : 'username', 'it needs a "password"');
  }
  if (options.jwt !== undefined && options.nkey_seed === undefined)
    refuse('jwt', 'it needs the "nkey_seed" of its user');
  const ways = waysOf(options);
  if (ways.length > 1) {
    const given = ways.map((name) => `"${name}"`).join(' and ');
    refuse(ways[1] ?? '', `there are several ways to prove who connects, ${given}; keep one`);
  }
  return issues;
}

/** One option for each way that is given. */
function waysOf(options: Options): CredentialOption[] {
  const ways: CredentialOption[] = [];
  if (options.token !== undefined) ways.push('token');
  if (options.username !== undefined) ways.push('username');
  else if (options.user !== undefined) ways.push('user');
  if (options.jwt !== undefined) ways.push('jwt');
  else if (options.nkey_seed !== undefined) ways.push('nkey_seed');
  return ways;
}

/** The options must have no `credentialIssues`. */
export function resolveCredentials(options: Options): Credentials {
  const secret = (name: CredentialOption) => secretReference(options[name]) ?? '';
  switch (waysOf(options)[0]) {
    case 'token':
      return { type: 'token', tokenSecret: secret('token') };
    case 'username':
    case 'user': {
      const user = secretOrText(String(options.username ?? options.user));
      return { type: 'user', user, passwordSecret: secret('password') };
    }
    case 'nkey_seed':
      return { type: 'nkey', seedSecret: secret('nkey_seed') };
    case 'jwt':
      return { type: 'jwt', jwtSecret: secret('jwt'), seedSecret: secret('nkey_seed') };
    default:
      return { type: 'none' };
  }
}

/** The secrets that a connection needs, each once. */
export function secretsOf(credentials: Credentials): string[] {
  switch (credentials.type) {
    case 'none':
      return [];
    case 'token':
      return [credentials.tokenSecret];
    case 'user': {
      const { user, passwordSecret } = credentials;
      return 'secret' in user && user.secret !== passwordSecret ? [user.secret, passwordSecret] : [passwordSecret];
    }
    case 'nkey':
      return [credentials.seedSecret];
    case 'jwt':
      return [...new Set([credentials.jwtSecret, credentials.seedSecret])];
  }
}
