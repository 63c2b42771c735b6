import type { ConnectionDefinition } from '../definition.js';
import type { Issue } from '../errors.js';
import { nearestName } from '../names.js';
import { listOf, type Options } from '../option-value.js';
import { optionIssues, optionPointer } from '../validate-options.js';
import { consumerIssues, consumerOptions } from './consumer.js';
import { credentialIssues } from './credentials.js';
import { formatIssues } from './format.js';
import { type ConnectionOptionName, connectionOptions, optionFacts } from './options.js';
import { permissionIssues } from './permissions.js';
import { type Role, roleNames, roleOf, roles } from './role.js';
import { parseServers } from './servers.js';
import { parseStart } from './start.js';
import { storeIssues } from './stores.js';
import { streamIssues } from './stream.js';
import { subjectProblem, subjectsOverlap } from './subjects.js';
import { tlsIssues } from './tls.js';

const schemas = Object.fromEntries(Object.entries(connectionOptions).map(([name, { schema }]) => [name, schema]));

/** Everything that is wrong with a connection's options; empty where it can be accepted. */
export function connectionIssues({ options }: ConnectionDefinition): Issue[] {
  const issues = [...requiredIssues(options), ...optionIssues(options, schemas)];
  if (issues.some((issue) => issue.code === 'invalid_option')) return issues;
  const roleRefused = roleIssues(options);
  const refused = new Set(roleRefused.map(({ pointer }) => pointer));
  const more = [
    ...formatIssues(options),
    ...valueIssues(options),
    ...credentialIssues(options),
    ...tlsIssues(options),
    ...permissionIssues(options),
    ...consumerIssues(options),
    ...storeIssues(options),
    ...streamIssues(options),
  ];
  // What has no effect at all need not be right.
  return [...issues, ...roleRefused, ...more.filter(({ pointer }) => !refused.has(pointer))];
}

/** The options whose names were mistyped: they are not missing as well. */
const mistyped = (options: Options): ReadonlySet<string> =>
  new Set(
    Object.keys(options)
      .filter((name) => !Object.hasOwn(schemas, name))
      .flatMap((name) => nearestName(name, Object.keys(schemas)) ?? []),
  );

function requiredIssues(options: Options): Issue[] {
  const meant = mistyped(options);
  const missing: ConnectionOptionName[] = [];
  const need = (name: ConnectionOptionName) => {
    if (options[name] === undefined && !meant.has(name)) missing.push(name);
  };
  need('servers');
  need('type');
  if (options.type !== 'sink') need('format');
  const role = roleOf(options);
  const readsStore = options.kv_bucket !== undefined || options.object_bucket !== undefined;
  const subjectsElsewhere = [options.stream_subjects, options.filter_subjects].some((value) => value !== undefined);
  if (options.type === 'sink' || (!readsStore && !subjectsElsewhere)) need('subject');
  const readsStream = role === 'source-pull' || role === 'source-push' || role === 'source-ordered';
  if (readsStream || (role === 'sink-jetstream' && options.stream_subjects !== undefined)) need('stream_name');
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
      message: `"${name}" has no effect on ${roleNames[role]}${remedy(name as ConnectionOptionName, role)}`,
      pointer: optionPointer(name),
    });
  }
  return issues;
}

/** Where the option would have an effect, if that is one change away. */
function remedy(name: ConnectionOptionName, role: Role): string {
  const applies: readonly Role[] = connectionOptions[name].roles;
  const withJetStream = role === 'source-core' ? 'source-pull' : role === 'sink-core' ? 'sink-jetstream' : undefined;
  const store = name.startsWith('kv_') ? 'source-kv' : name.startsWith('object_') ? 'source-object' : undefined;
  if (withJetStream && (applies.includes(withJetStream) || store)) return '; it needs jetstream = true';
  if (name === 'queue_group' && role === 'source-pull')
    return '; share the work of a pull consumer with parallelism, or make it a push consumer by consumer_pull = false';
  if (role === 'source-ordered' && (name === 'consumer_pull' || name in consumerOptions))
    return '; the server keeps no ordered consumer, so that it is not durable, and neither pull nor push';
  const others = roles.filter((other) => applies.includes(other));
  if (others.length === 1 && others[0] !== undefined) return `; it is for ${roleNames[others[0]]}`;
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
      refuse('subject', reservedSubject);
    }
  }
  for (const subject of listOf(options.stream_subjects)) {
    const problem = subjectProblem(subject, { wildcards: true });
    if (problem !== undefined) refuse('stream_subjects', problem);
  }
  for (const [index, subject] of listOf(options.filter_subjects).entries()) {
    const problem = subjectProblem(subject, { wildcards: true });
    if (problem !== undefined) refuse('filter_subjects', `item ${index + 1}: ${problem}`);
  }
  if (options.filter_subjects !== undefined && options.subject !== undefined)
    refuse('filter_subjects', '"subject" says the same for one subject; give one of them');
  if (typeof options.dead_letter_subject === 'string') {
    const problem = subjectProblem(options.dead_letter_subject, { wildcards: false });
    if (problem !== undefined) refuse('dead_letter_subject', problem);
    else if (isReserved(options.dead_letter_subject)) refuse('dead_letter_subject', reservedSubject);
    else if (subjectsRead(options).some((subject) => subjectsOverlap(subject, String(options.dead_letter_subject))))
      refuse('dead_letter_subject', 'this connection reads it itself, so that each dead letter would make another');
  }
  if (options.on_error === 'retry') {
    if (role === 'source-core')
      refuse('on_error', "'retry' needs jetstream = true: a core subscription has nothing to deliver again");
    else if ((role !== 'source-pull' && role !== 'source-push') || options.consumer_ack_policy === 'none')
      refuse('on_error', "'retry' needs a consumer with acknowledgements: nothing else is delivered again");
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

/** Of a bucket none is read that anything else can publish to. */
function subjectsRead({ subject, filter_subjects, stream_subjects }: Options): string[] {
  return listOf(filter_subjects ?? subject ?? stream_subjects);
}

const reservedSubject = "subjects that begin with '$' or 'laminar.' belong to NATS and to the mesh";

const isReserved = (subject: string): boolean =>
  subject.startsWith('$') || subject.startsWith('laminar.') || subject === 'laminar';
