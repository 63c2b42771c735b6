import { covers, hasDurable, isSink, type ResolvedConnection, selfRefusal } from '@laminar/definitions';
import { type NatsConnection, PermissionViolationError } from '@nats-io/nats-core';
import { type Finding, failed, ok, reasonOf, skipped } from './check.js';

/** What the connection will have to be allowed, as subjects. */
interface Needs {
  readonly subscribe: readonly string[];
  readonly publish: readonly string[];
}

interface Rules {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** What a server from 2.10 on says of a user (`$SYS.REQ.USER.INFO`), as far as it is of use here. */
interface UserInfo {
  readonly account: string;
  readonly permissions?: { readonly publish?: Rules; readonly subscribe?: Rules };
}

const userInfoSubject = '$SYS.REQ.USER.INFO';
const userInfoTimeoutMs = 1000;

/** Whether the definition itself and the server allow what the connection will do. It subscribes for a moment, and publishes nothing. */
export async function checkPermissions(nc: NatsConnection, connection: ResolvedConnection): Promise<Finding> {
  const needs = needsOf(connection);
  const refusal = selfRefusal(connection);
  if (refusal !== undefined) return failed(`${refusal}; change its option permissions`);
  const done: string[] = [];
  if (connection.role === 'source-core') {
    const refused = await trySubscription(nc, connection.subject);
    if (refused !== undefined)
      return failed(`the server refuses a subscription to ${connection.subject}: ${refused}; permit it there`);
    done.push(`may subscribe to ${connection.subject}`);
  }
  if (needs.publish.length === 0) return ok(done.join('; '));
  const user = await userInfo(nc);
  if (typeof user === 'string') {
    const untold = `whether it may publish to ${needs.publish.join(', ')} shows when it does: ${user}`;
    return done.length > 0 ? ok(`${done.join('; ')}; ${untold}`) : skipped(untold);
  }
  const { publish, subscribe } = user.permissions ?? {};
  const refused = [
    ...needs.publish.filter((subject) => !permits(publish, subject)).map((subject) => `publish to ${subject}`),
    ...needs.subscribe.filter((subject) => !permits(subscribe, subject)).map((subject) => `subscribe to ${subject}`),
  ];
  if (refused.length > 0)
    return failed(`the server does not allow this user of the account ${user.account} to ${refused.join(', ')}`);
  done.push(`may publish to ${needs.publish.join(', ')}`);
  return ok(`${done.join('; ')} (account ${user.account})`);
}

function needsOf(connection: ResolvedConnection): Needs {
  if (isSink(connection)) return { subscribe: [], publish: [connection.subject] };
  if (connection.role === 'source-core') return { subscribe: [connection.subject], publish: [] };
  if (hasDurable(connection)) {
    const { streamName, consumer, role } = connection;
    const place = `${streamName}.${consumer.name}`;
    const pulls = role === 'source-pull' ? [`$JS.API.CONSUMER.MSG.NEXT.${place}`] : [];
    // Whose acknowledgements are refused reads everything, again and again.
    const acknowledges = consumer.ackPolicy === 'none' ? [] : [`$JS.ACK.${place}.>`];
    const asks = [`$JS.API.STREAM.INFO.${streamName}`, `$JS.API.CONSUMER.INFO.${place}`];
    return { subscribe: [], publish: [...asks, ...pulls, ...acknowledges] };
  }
  if ('streamName' in connection) return { subscribe: [], publish: [`$JS.API.STREAM.INFO.${connection.streamName}`] };
  const prefix = connection.role === 'source-kv' ? 'KV_' : 'OBJ_';
  return { subscribe: [], publish: [`$JS.API.STREAM.INFO.${prefix}${connection.bucket}`] };
}

const permits = (rules: Rules | undefined, subject: string): boolean =>
  (!rules?.allow || rules.allow.some((pattern) => covers(pattern, subject))) &&
  !rules?.deny?.some((pattern) => covers(pattern, subject));

/** Why the server does not let it subscribe. It is in no queue group, so that nobody misses what comes meanwhile. */
async function trySubscription(nc: NatsConnection, subject: string): Promise<string | undefined> {
  let refusal: string | undefined;
  const subscription = nc.subscribe(subject, {
    callback: (error) => {
      if (error) refusal = error.message;
    },
  });
  await nc.flush();
  if (!subscription.isClosed()) subscription.unsubscribe();
  return refusal;
}

/** What the server says of this user, or why it says nothing. */
async function userInfo(nc: NatsConnection): Promise<UserInfo | string> {
  try {
    const answer = await nc.request(userInfoSubject, '', { timeout: userInfoTimeoutMs });
    const { data } = answer.json<{ data?: UserInfo }>();
    return data ?? 'the server says nothing of this user';
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (error instanceof PermissionViolationError || cause instanceof PermissionViolationError)
      return `this user may not ask what it may do (${userInfoSubject})`;
    return `nats-server ${nc.info?.version} does not say what a user may do (${reasonOf(error)})`;
  }
}
