import type { ConnectionDefinition } from '../definition.js';
import type { Issue } from '../errors.js';
import type { Options } from '../option-value.js';
import { optionIssues, optionPointer } from '../validate-options.js';
import { credentialIssues } from './credentials.js';
import { formatIssues } from './format.js';
import { type ConnectionOptionName, connectionOptions, optionFacts, type Role } from './options.js';
import { parseServers } from './servers.js';
import { parseStart } from './start.js';
import { subjectProblem } from './subjects.js';
import { tlsIssues } from './tls.js';

const schemas = Object.fromEntries(Object.entries(connectionOptions).map(([name, { schema }]) => [name, schema]));

/** Everything that is wrong with a connection's options; empty where it can be accepted. */
export function connectionIssues({ options }: ConnectionDefinition): Issue[] {
  const issues = [...requiredIssues(options), ...optionIssues(options, schemas)];
  if (issues.some((issue) => issue.code === 'invalid_option')) return issues;
  return [
    ...issues,
    ...roleIssues(options),
    ...formatIssues(options),
    ...valueIssues(options),
    ...credentialIssues(options),
    ...tlsIssues(options),
  ];
}

export function roleOf(options: Options): Role {
  const side = options.type === 'sink' ? 'sink' : 'source';
  return options.jetstream === true ? `${side}-jetstream` : `${side}-core`;
}

function requiredIssues(options: Options): Issue[] {
  const missing: ConnectionOptionName[] = [];
  const need = (name: ConnectionOptionName) => {
    if (options[name] === undefined) missing.push(name);
  };
  need('servers');
  need('type');
  if (options.type !== 'sink') need('format');
  if (options.type === 'sink' || options.stream_subjects === undefined) need('subject');
  const role = roleOf(options);
  if (role === 'source-jetstream' || (role === 'sink-jetstream' && options.stream_subjects !== undefined))
    need('stream_name');
  return missing.map((name) => ({
    code: 'missing_option',
    message: `the option "${name}" is missing: ${optionFacts(name).description}`,
    pointer: optionPointer(name),
  }));
}

/** Options that would mean nothing in this role are refused, so that none is accepted and ignored. */
function roleIssues(options: Options): Issue[] {
  const role = roleOf(options);
  const issues: Issue[] = [];
  for (const name of Object.keys(options)) {
    const spec = Object.hasOwn(connectionOptions, name) ? connectionOptions[name as ConnectionOptionName] : undefined;
    if (spec === undefined || (spec.roles as readonly Role[]).includes(role)) continue;
    issues.push({
      code: 'option_does_not_apply',
      message: `"${name}" has no effect on ${roleNames[role]}${remedy(name, role)}`,
      pointer: optionPointer(name),
    });
  }
  return issues;
}

const roleNames: { readonly [role in Role]: string } = {
  'source-core': 'a source without JetStream',
  'source-jetstream': 'a source with JetStream',
  'sink-core': 'a sink without JetStream',
  'sink-jetstream': 'a sink with JetStream',
};

function remedy(name: string, role: Role): string {
  const spec = connectionOptions[name as ConnectionOptionName];
  const withJetStream = role.replace('-core', '-jetstream') as Role;
  if (withJetStream !== role && (spec.roles as readonly Role[]).includes(withJetStream))
    return '; it needs jetstream = true';
  if (name === 'queue_group') return '; share the work of a pull consumer with parallelism';
  return '; leave it out';
}

function valueIssues(options: Options): Issue[] {
  const role = roleOf(options);
  const issues: Issue[] = [];
  const refuse = (name: ConnectionOptionName, message: string) =>
    issues.push({ code: 'invalid_option', message: `"${name}": ${message}`, pointer: optionPointer(name) });

  if (typeof options.servers === 'string') {
    for (const server of parseServers(options.servers)) if ('problem' in server) refuse('servers', server.problem);
  }
  const isSink = options.type === 'sink';
  if (typeof options.subject === 'string') {
    const problem = subjectProblem(options.subject, { wildcards: !isSink });
    if (problem !== undefined) refuse('subject', problem);
    else if (isSink && isReserved(options.subject)) {
      refuse('subject', "subjects that begin with '$' or 'laminar.' belong to NATS and to the mesh");
    }
  }
  for (const subject of listOf(options.stream_subjects)) {
    const problem = subjectProblem(subject, { wildcards: true });
    if (problem !== undefined) refuse('stream_subjects', problem);
  }
  if (options.on_error === 'retry' && role === 'source-core') {
    refuse('on_error', "'retry' needs jetstream = true: a core subscription has nothing to deliver again");
  }
  if (
    typeof options.parallelism === 'number' &&
    options.parallelism > 1 &&
    role === 'source-core' &&
    options.queue_group === undefined
  ) {
    refuse(
      'parallelism',
      'more than one reader slot needs a queue_group or jetstream = true, else each would get every message',
    );
  }
  if (options.start !== undefined && parseStart(options.start) === undefined) {
    refuse('start', "must be 'all', 'new', 'last', a stream sequence, or a timestamp such as '2026-03-29T01:30:00Z'");
  }
  return issues;
}

const isReserved = (subject: string): boolean =>
  subject.startsWith('$') || subject.startsWith('laminar.') || subject === 'laminar';

/** A list option that may also be written as one text. */
export function listOf(value: Options[string] | undefined): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
