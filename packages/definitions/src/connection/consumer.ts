import Type from 'typebox';
import type { Issue } from '../errors.js';
import { listOf, type Options } from '../option-value.js';
import { optionPointer } from '../validate-options.js';
import { parseDurations } from './durations.js';
import { integer, natsName, oneOf, texts } from './option-schema.js';
import { roleOf } from './role.js';
import { serverGates } from './server-needs.js';
import { subjectsOverlap } from './subjects.js';

export const ackPolicies = ['explicit', 'all', 'none'] as const;
export type AckPolicyName = (typeof ackPolicies)[number];

/** How a JetStream consumer that the server keeps track of delivers and counts. */
export const consumerOptions = {
  consumer_name: natsName({ description: 'Name of the consumer; `laminar-<connection>` where it is left out.' }),
  consumer_durable: Type.Boolean({
    default: true,
    description: 'The consumer outlives its readers; without it reading goes on from the position that the mesh keeps.',
  }),
  consumer_ack_policy: oneOf([...ackPolicies], {
    default: 'explicit',
    description: 'What an acknowledgement covers: the message, all before it too, or nothing is acknowledged.',
  }),
  consumer_ack_wait_s: integer(1, 86_400, {
    default: 6,
    description: 'Seconds after which an unacknowledged message is delivered again.',
  }),
  consumer_max_ack_pending: integer(1, 1_000_000, {
    // The server's own default of 1,000 is less than what is under way at full speed between a publish and its acknowledgement.
    default: 5000,
    description: 'Messages that may be delivered and not yet acknowledged.',
  }),
  consumer_max_deliver: Type.Union([Type.Literal(-1), Type.Integer({ minimum: 1, maximum: 1_000_000 })], {
    default: -1,
    description: 'Deliveries of one message before it is a dead letter; -1 is without end.',
  }),
  consumer_backoff: texts({
    description:
      "Waits between deliveries of a message that failed, such as '1s,5s,10s'; the last one is used again. At most one for each delivery.",
  }),
} as const;

/** Of every consumer over a stream, also one that only the client knows. */
export const streamReadingOptions = {
  filter_subjects: Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
    minItems: 1,
    maxItems: 100,
    description: `Subjects to read, instead of \`subject\`; more than one needs nats-server ${serverGates.filter_subjects.version}.`,
  }),
  consumer_rate_limit: integer(1, 1_000_000, {
    description: 'Messages per second that are read at most by each reader; without it as many as come.',
  }),
} as const;

/** Deliveries and the waits between them. */
export interface Redelivery {
  /** -1 is without end. */
  readonly maxDeliver: number;
  /** After the first failure, the second and so on; the last one is used again. Empty: the mesh's own steps. */
  readonly backoffMs: readonly number[];
}

/** The options must have no `consumerIssues`. */
export function resolveRedelivery({ consumer_max_deliver, consumer_backoff }: Options): Redelivery {
  return {
    maxDeliver: Number(consumer_max_deliver ?? -1),
    backoffMs: consumer_backoff === undefined ? [] : (parseDurations(consumer_backoff) ?? []),
  };
}

/** Combinations of consumer options that cannot be, each of which has its right type. */
export function consumerIssues(options: Options): Issue[] {
  const issues: Issue[] = [];
  const refuse = (name: string, message: string) =>
    issues.push({ code: 'invalid_option', message: `"${name}": ${message}`, pointer: optionPointer(name) });
  const role = roleOf(options);
  const durations = options.consumer_backoff === undefined ? undefined : parseDurations(options.consumer_backoff);
  if (options.consumer_backoff !== undefined && durations === undefined)
    refuse('consumer_backoff', "must be a list of durations in ms, s, m or h, such as '1s,5s,10s'");
  const { maxDeliver } = resolveRedelivery(options);
  if (durations !== undefined && maxDeliver > 0 && durations.length > maxDeliver)
    refuse(
      'consumer_backoff',
      `${durations.length} steps are more than the ${maxDeliver} deliveries of consumer_max_deliver`,
    );
  if (options.consumer_max_deliver === 1) {
    const never = 'with consumer_max_deliver = 1 nothing is delivered again';
    if (durations !== undefined) refuse('consumer_backoff', `${never}, so that there is no wait in between`);
    if (options.on_error === 'retry') refuse('on_error', `${never}; 'retry' needs more deliveries`);
  }
  if (options.consumer_durable === false) {
    for (const name of ['pull_batch_size', 'pull_timeout_ms'])
      if (options[name] !== undefined)
        issues.push({
          code: 'option_does_not_apply',
          message: `"${name}" has no effect with consumer_durable = false: the mesh keeps the position, and asks for messages by their number; leave it out`,
          pointer: optionPointer(name),
        });
  }
  if (options.consumer_ack_policy === 'none') {
    for (const name of ['consumer_ack_wait_s', 'consumer_max_ack_pending', 'consumer_max_deliver', 'consumer_backoff'])
      if (options[name] !== undefined)
        refuse(name, "with consumer_ack_policy = 'none' nothing is delivered again; leave it out");
  }
  if (options.stream_retention === 'workqueue') {
    // What the server refuses of every consumer of such a stream.
    if (options.consumer_ack_policy !== undefined && options.consumer_ack_policy !== 'explicit')
      refuse('consumer_ack_policy', "a stream of retention 'workqueue' needs 'explicit'");
    if (options.start !== undefined && options.start !== 'all')
      refuse('start', "a stream of retention 'workqueue' is read from its beginning, which is all that is not done");
  }
  const filters = listOf(options.filter_subjects);
  for (const [index, filter] of filters.entries()) {
    const other = filters.slice(0, index).find((before) => subjectsOverlap(before, filter));
    if (other !== undefined)
      refuse('filter_subjects', `"${other}" and "${filter}" overlap, which nats-server does not take`);
  }
  const several = typeof options.parallelism === 'number' && options.parallelism > 1;
  if (several && options.consumer_ack_policy === 'all')
    refuse('parallelism', "with consumer_ack_policy = 'all' one reader would acknowledge what another has not done");
  if (several && options.consumer_durable === false)
    refuse('parallelism', 'readers that share a consumer need it to be durable');
  if (several && role === 'source-push' && options.queue_group === undefined)
    refuse('parallelism', 'more than one reader of a push consumer needs a queue_group, its deliver group');
  if (options.queue_group !== undefined && role === 'source-push' && options.consumer_durable === false)
    refuse('queue_group', 'readers that share a consumer need it to be durable');
  return issues;
}
