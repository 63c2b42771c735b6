import { describe, expect, it } from 'vitest';
import {
  connectionIssues,
  idleOptions,
  misfitColumnIssues,
  type Options,
  type OptionValue,
  pipelineIssues,
  resolveConnection,
  sameData,
  tableIssues,
  unmetNeed,
} from '../index.js';
import { type ConnectionOptionName, connectionOptions, optionFacts } from './options.js';
import { type Role, roles } from './role.js';
import { serverGates } from './server-needs.js';

const source = { servers: 'h', type: 'source', format: 'json' };
const overStream = { ...source, subject: 'in', jetstream: true, stream_name: 'S' };
const base: { readonly [role in Role]: Options } = {
  'source-core': { ...source, subject: 'in' },
  'source-pull': overStream,
  'source-push': { ...overStream, consumer_pull: false },
  'source-ordered': { ...overStream, consumer_ordered: true },
  'source-kv': { ...source, jetstream: true, kv_bucket: 'CONFIG' },
  'source-object': { ...source, jetstream: true, object_bucket: 'FILES' },
  'sink-core': { servers: 'h', type: 'sink', subject: 'out' },
  'sink-jetstream': { servers: 'h', type: 'sink', subject: 'out', jetstream: true, stream_name: 'S' },
};
const workQueue = { ...overStream, stream_subjects: 'in', stream_retention: 'workqueue' };
const issuesOf = (options: Options) => connectionIssues({ connector: 'nats', options });
const resolve = (options: Options) => resolveConnection('c', { connector: 'nats', options });

const ref = '$' + '{secret:s}';

/** For each option: its default, values that are taken, values that are not, and why. */
const table: {
  readonly [N in ConnectionOptionName]: [OptionValue | undefined, OptionValue[], OptionValue[], RegExp?];
} = {
  servers: [undefined, ['h', 'nats://h:1,i'], ['', 1, [], 'kafka://h', 'h:7422', 'nats://u:p@h', 'h/x', 'h,,i']],
  type: [undefined, ['source', 'sink'], ['both', 1, '']],
  format: ['json', ['json', 'raw'], ['avro', 1]],
  protobuf_message: [undefined, ['M', 'com.example.Event', '.a.B'], ['', 1, 'a b', 'a..b', '1a', 'a.']],
  protobuf_descriptor: [undefined, ['/schemas/event.desc'], ['', 1, 'event.desc', '../event.desc', '/a\0b']],
  subject: [undefined, ['a', 'a.b'], ['', 'a b', 'a..b', '.a', 'a.', 'a.>.b', 'a*', 1, ['a']]],
  description: [undefined, ['x'], ['', 1, 'x'.repeat(5000)]],
  max_reconnects: [10, [-1, 0, 5], [-2, 1.5, '5', true]],
  reconnect_wait_ms: [2000, [1, 50], [0, -1, '1']],
  reconnect_jitter_ms: [100, [0, 50], [-1, '1']],
  ping_interval_s: [120, [1, 86_400], [0, 86_401, '1']],
  ping_max_outstanding: [2, [1, 10], [0, 1001]],
  randomize_servers: [false, [true, false], ['true', 1]],
  token: [undefined, [ref], ['s3cret-canary', '', 5, `x${ref}`]],
  username: [undefined, ['ann', ref], ['', 5, `x${ref}`]],
  user: [undefined, ['ann', ref], ['', 5, `${ref}x`]],
  password: [undefined, [ref], ['s3cret-canary', '', 5]],
  jwt: [undefined, [ref], ['s3cret-canary', '']],
  nkey_seed: [undefined, [ref], ['s3cret-canary', 'SUACSS']],
  tls_required: [false, [true, false], ['true', 1]],
  tls_ca_file: [undefined, ['/ca.pem'], ['', 1]],
  tls_cert_file: [undefined, ['/cert.pem'], ['', 1]],
  tls_key_file: [undefined, ['/key.pem'], ['', 1]],
  tls_verify: [true, [true, false], ['no', 0]],
  tls_handshake_first: [false, [true, false], ['no', 0]],
  permissions: [
    undefined,
    [{ publish: ['a.>'], subscribe: ['b', 'c.*'] }, { subscribe: [] }, {}],
    ['a', ['a'], 1, true],
  ],
  debug: [false, [true, false], ['true', 1]],
  trace: [false, [true, false], ['true', 1]],
  on_error: [undefined, ['dead_letter', 'skip', 'stop'], ['ignore', true]],
  dead_letter_subject: [undefined, ['dead.orders'], ['', 'dead.*', '$JS.x', 'laminar.x', 1]],
  batch_size: [1024, [1, 1000], [0, 100_001, '1']],
  batch_timeout_ms: [0, [0, 100], [-1, 60_001, '1']],
  parallelism: [1, [1], [0, 65, 1.5, '2']],
  queue_group: [undefined, ['workers'], ['', 'a b', 'a.b', 'a*', 1]],
  enable_reply: [false, [true, false], ['true', 1]],
  pending_limits: [65_536, [1, 100], [0, -1, '1']],
  jetstream: [false, [], ['true', 1]],
  kv_bucket: [undefined, ['CONFIG', 'a-b_c'], ['', 'a.b', 'a b', 1]],
  kv_keys: ['>', ['settings.>', 'a.*', 'a'], ['', 'a..b', 'a*', 1]],
  kv_watch: [true, [true], [false, 'true']],
  object_bucket: [undefined, ['FILES'], ['', 'a.b', 1]],
  object_watch: [true, [true], [false]],
  stream_name: [undefined, ['S', 'a-b'], ['', 'a b', 'a.b', 'a>', 1]],
  stream_subjects: [undefined, ['a.>', ['a', 'b.*']], [[], '', 'a b', ['a', 1], ['a..b']]],
  stream_retention: ['limits', ['limits', 'interest', 'workqueue'], ['forever']],
  stream_max_msgs: [-1, [-1, 1000], [-2, '1']],
  stream_max_age: [0, [0, 86_400], [-1, '1d']],
  stream_storage: ['file', ['file', 'memory'], ['tape']],
  consumer_name: [undefined, ['c'], ['a.b', '', 1]],
  consumer_durable: [true, [true, false], ['true']],
  consumer_pull: [true, [], ['true', 0]],
  consumer_ordered: [false, [], ['true', 0]],
  consumer_ack_policy: ['explicit', ['explicit', 'none', 'all'], ['flow', true]],
  consumer_ack_wait_s: [6, [1, 60], [0, '6']],
  consumer_max_ack_pending: [5000, [1, 100], [0, -1]],
  consumer_max_deliver: [-1, [-1, 1, 3], [0, -2, 1.5, '3']],
  consumer_backoff: [
    undefined,
    ['1s', '1s,5s,10s', '100ms, 0.5s,2m,1h', ['1s', '5s']],
    ['', '1', '1s,', '1d', '-1s', '0s', '9999h', 5, ['1s', 5], []],
  ],
  consumer_rate_limit: [undefined, [1, 1000], [0, -1, '1']],
  filter_subjects: [undefined, [['a'], ['a.>', 'b']], ['a', [], ['a..b'], [1]]],
  pull_batch_size: [500, [1, 100], [0, 100_001]],
  pull_timeout_ms: [30_000, [1, 1000], [0, 3_600_001]],
  start: [
    'all',
    ['all', 'new', 'last', 7, '7', '2026-03-29', '2026-03-29T01:30:00Z'],
    ['first', 0, -1, 1.5, '2026-13-01', true],
  ],
};
const names = Object.keys(table) as ConnectionOptionName[];

/** With them the connection is used in another way, in which others have no effect. */
const makesRole: ReadonlySet<ConnectionOptionName> = new Set(['kv_bucket', 'object_bucket']);

/** What some options need beside them. */
const company: { readonly [N in ConnectionOptionName]?: Options } = {
  username: { password: ref },
  user: { password: ref },
  password: { username: 'ann' },
  jwt: { nkey_seed: ref },
  tls_ca_file: { tls_required: true },
  tls_cert_file: { tls_required: true, tls_key_file: '/key.pem' },
  tls_key_file: { tls_required: true, tls_cert_file: '/cert.pem' },
  tls_verify: { tls_required: true },
  tls_handshake_first: { tls_required: true },
  stream_retention: { stream_subjects: 'in' },
  stream_max_msgs: { stream_subjects: 'in' },
  stream_max_age: { stream_subjects: 'in' },
  stream_storage: { stream_subjects: 'in' },
  protobuf_message: { format: 'protobuf', protobuf_descriptor: '/schemas/event.desc' },
  protobuf_descriptor: { format: 'protobuf', protobuf_message: 'com.example.Event' },
};

describe('the options of a connection', () => {
  it('are all in this table', () => {
    expect(Object.keys(connectionOptions).sort()).toEqual([...names].sort());
  });

  it.each(roles)('are complete without any other, as a %s', (role) => {
    expect(issuesOf(base[role])).toEqual([]);
    expect(resolve(base[role]).role).toBe(role);
  });

  it.each(names)('%s: default, values, roles', (name) => {
    const [byDefault, good, bad] = table[name];
    const facts = optionFacts(name);
    expect(facts.default).toEqual(byDefault);
    expect(facts.description).toMatch(/\.$/);
    for (const role of roles) {
      const applies = (connectionOptions[name].roles as readonly Role[]).includes(role);
      for (const value of good) {
        if (name === 'type' && !role.startsWith(String(value))) continue;
        if (!applies && makesRole.has(name)) continue;
        const { subject: _, ...rest } = base[role];
        const given = name === 'filter_subjects' && applies ? rest : base[role];
        const issues = issuesOf({ ...given, ...(applies ? company[name] : {}), [name]: value });
        if (applies) expect({ value, issues }).toEqual({ value, issues: [] });
        else
          expect(issues).toMatchObject([
            {
              code: 'option_does_not_apply',
              pointer: `/options/${name}`,
              message: expect.stringContaining('has no effect'),
            },
          ]);
      }
      if (!applies) continue;
      for (const value of bad) {
        const issue = issuesOf({ ...base[role], ...company[name], [name]: value }).find(
          ({ pointer }) => pointer === `/options/${name}`,
        );
        expect({ value, issue }).toMatchObject({
          value,
          issue: {
            pointer: `/options/${name}`,
            message: expect.stringContaining(name === 'format' ? 'format' : `"${name}"`),
          },
        });
      }
    }
  });

  it.each([
    ['server', 'servers'],
    ['sbuject', 'subject'],
    ['streamname', 'stream_name'],
    ['ack_wait_s', undefined],
    ['__proto__', undefined],
    ['constructor', undefined],
    ['a/b~c', undefined],
  ])('%s is unknown', (written, meant) => {
    const options = Object.fromEntries([...Object.entries(base['source-core']), [written, 'x']]);
    const [issue] = issuesOf(options);
    expect(issue).toMatchObject({
      code: 'unknown_option',
      pointer: `/options/${written.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: expect.stringContaining(meant === undefined ? 'known options are servers' : `did you mean "${meant}"?`),
    });
  });

  it('of a wrong value show only its beginning', () => {
    const [issue] = issuesOf({ ...base['source-core'], description: 'y'.repeat(600_000) });
    expect(issue).toMatchObject({ pointer: '/options/description' });
    expect(issue?.message).toMatch(/a text of 1 to 4096 characters, but is "y{99}…$/);
  });

  it.each([
    ['a', '', '"permissions" must be a map of "publish": a list, each item a text', 'but is "a"'],
    [{ publish: 'a' }, '/publish', '"publish" must be a list, each item a text', 'but is "a"'],
    [{ publish: ['a'], subscribe: [1] }, '/subscribe', '"subscribe" must be a list, each item a text', 'but is [1]'],
    [{ pubish: ['a'] }, '/pubish', 'no key "pubish"', 'did you mean "publish"?'],
    [{ 'a/b': [] }, '/a~1b', 'no key "a/b"', 'its keys are publish and subscribe'],
    [{ constructor: [] }, '/constructor', 'no key "constructor"', 'its keys are'],
    [{ publish: [], other: 42 }, '/other', 'no key "other"', 'its keys are'],
  ])('permissions of %j are refused where they are wrong', (permissions, pointer, what, more) => {
    const issues = issuesOf({ ...base['source-core'], permissions } as Options);
    expect(issues).toMatchObject([{ pointer: `/options/permissions${pointer}` }]);
    expect(issues[0]?.message).toContain(what);
    expect(issues[0]?.message).toContain(more);
  });

  it('that are mistyped are not missing as well', () => {
    const { subject, ...others }: Options = base['source-core'];
    expect(issuesOf({ ...others, subjct: subject as string })).toMatchObject([
      { code: 'unknown_option', message: expect.stringContaining('did you mean "subject"?') },
    ]);
  });

  it('that are missing are all named', () => {
    expect(issuesOf({}).map(({ pointer }) => pointer)).toEqual([
      '/options/servers',
      '/options/type',
      '/options/format',
      '/options/subject',
    ]);
    expect(issuesOf({ ...base['source-pull'], stream_name: undefined as never })[0]).toMatchObject({
      code: 'missing_option',
      pointer: '/options/stream_name',
    });
    const { subject: _, ...whole }: Options = { ...base['source-pull'], stream_subjects: 'a.>' };
    expect(issuesOf(whole)).toEqual([]);
  });

  it.each([
    [{ ...base['source-core'], on_error: 'retry' }, /needs jetstream = true/],
    [{ ...base['source-core'], subject: 'a.>', dead_letter_subject: 'a.dead' }, /reads it itself/],
    [{ ...base['source-pull'], subject: 'a.*', dead_letter_subject: 'a.dead' }, /reads it itself/],
    [
      {
        ...source,
        jetstream: true,
        stream_name: 'S',
        stream_subjects: ['b', 'a.>'],
        dead_letter_subject: 'a.dead',
      },
      /reads it itself/,
    ],
    [{ ...base['source-core'], parallelism: 2 }, /queue_group or jetstream/],
    [{ ...base['source-pull'], queue_group: 'q' }, /parallelism/],
    [{ ...base['source-pull'], on_error: 'retry', consumer_ack_policy: 'none' }, /with acknowledgements/],
    [{ ...base['source-pull'], consumer_max_deliver: 3, consumer_ack_policy: 'none' }, /delivered again/],
    [{ ...base['source-pull'], consumer_max_deliver: 3, consumer_backoff: '1s,2s,3s,4s' }, /4 steps .* 3 deliveries/],
    [{ ...base['source-pull'], consumer_max_deliver: 1, consumer_backoff: '1s' }, /no wait in between/],
    [{ ...base['source-pull'], consumer_max_deliver: 1, on_error: 'retry' }, /'retry' needs more deliveries/],
    [{ ...base['source-pull'], consumer_durable: false, pull_batch_size: 5 }, /by their number/],
    [{ ...base['source-pull'], stream_max_age: 5 }, /no effect without stream_subjects/],
    [{ ...base['sink-jetstream'], stream_storage: 'file' }, /no effect without stream_subjects/],
    [{ ...base['source-pull'], parallelism: 2, consumer_ack_policy: 'all' }, /one reader would acknowledge/],
    [{ ...base['source-pull'], parallelism: 2, consumer_durable: false }, /durable/],
    [{ ...base['source-pull'], filter_subjects: ['a', 'b'] }, /give one of them/],
    [{ ...base['source-push'], parallelism: 2 }, /deliver group/],
    [{ ...workQueue, consumer_ack_policy: 'all' }, /"consumer_ack_policy": .*'workqueue' needs 'explicit'/],
    [{ ...workQueue, consumer_pull: false, consumer_ack_policy: 'none' }, /needs 'explicit'/],
    [{ ...workQueue, start: 'new' }, /"start": .*read from its beginning/],
    [
      { ...source, jetstream: true, stream_name: 'S', filter_subjects: ['a.>', 'b', 'a.*.c'] },
      /"a\.>" and "a\.\*\.c" overlap/,
    ],
    [
      { ...base['source-push'], pull_batch_size: 10 },
      /"pull_batch_size" has no effect on a source with a push consumer/,
    ],
    [{ ...base['source-core'], pull_batch_size: 10 }, /needs jetstream = true/],
    [{ ...base['source-ordered'], consumer_durable: true }, /not durable/],
    [{ ...base['source-ordered'], consumer_name: 'c' }, /an ordered consumer/],
    [{ ...base['source-ordered'], consumer_pull: false }, /neither pull nor push/],
    [{ ...base['source-ordered'], on_error: 'retry' }, /with acknowledgements/],
    [{ ...base['source-kv'], jetstream: false, subject: 'a' }, /needs jetstream = true/],
    [{ ...base['source-kv'], subject: 'a' }, /watches a KV bucket/],
    [{ ...base['source-kv'], object_bucket: 'FILES' }, /watches an object store/],
    [
      { ...base['source-object'], format: 'protobuf', protobuf_message: 'M', protobuf_descriptor: '/d' },
      /content is not read/,
    ],
    [{ ...base['source-object'], kv_keys: 'a' }, /it is for a source that watches a KV bucket/],
    [{ ...base['source-core'], permissions: { publish: ['a..b'] } }, /two in a row/],
    [{ ...base['source-core'], consumer_name: 'c' }, /needs jetstream = true/],
    [{ ...base['sink-core'], subject: 'a.*' }, /must be exact/],
    [{ ...base['sink-core'], subject: '$JS.API.x' }, /belong to NATS and to the mesh/],
    [{ ...base['sink-core'], subject: 'laminar.output.x' }, /belong to NATS and to the mesh/],
    [{ ...base['sink-core'], subject: 'laminar' }, /belong to NATS and to the mesh/],
    [{ ...base['source-core'], servers: 'nats://ann:secret@h' }, /credentials do not belong/],
    [{ ...base['source-core'], servers: 'h:7422' }, /leaf/],
  ])('that exclude each other are refused: %j', (options, message) => {
    const issues = issuesOf(options as Options);
    expect(issues.map((issue) => issue.message).join()).toMatch(message);
    expect(issues.map((issue) => issue.message).join()).not.toContain('secret');
  });

  it.each([
    { ...base['source-core'], parallelism: 2, queue_group: 'q' },
    { ...base['source-pull'], parallelism: 2, on_error: 'retry' },
    { ...base['source-pull'], subject: 'a.in', stream_subjects: 'a.>', dead_letter_subject: 'a.dead' },
    { ...base['source-pull'], consumer_max_deliver: 3, consumer_backoff: '1s,5s,10s' },
    { ...base['source-push'], parallelism: 2, queue_group: 'q' },
    { ...workQueue, consumer_ack_policy: 'explicit', start: 'all' },
    { ...source, jetstream: true, stream_name: 'S', filter_subjects: ['a', 'b'] },
    { ...base['source-core'], subject: '$SYS.>' },
    { ...base['source-core'], subject: 'laminar.logs.>' },
    { ...base['sink-core'], subject: 'laminary' },
  ])('that fit are taken: %j', (options) => {
    expect(issuesOf(options as Options)).toEqual([]);
  });

  it('come with their defaults, in the units that the names say', () => {
    expect(resolve(base['source-pull'])).toEqual({
      role: 'source-pull',
      format: { name: 'json' },
      servers: ['nats://h:4222'],
      credentials: { type: 'none' },
      tls: undefined,
      permissions: undefined,
      needs: [],
      debug: false,
      trace: false,
      maxReconnects: 10,
      reconnectWaitMs: 2000,
      reconnectJitterMs: 100,
      pingIntervalMs: 120_000,
      pingMaxOutstanding: 2,
      randomizeServers: false,
      onError: 'dead_letter',
      deadLetterSubject: undefined,
      batchSize: 1024,
      batchTimeoutMs: 0,
      streamName: 'S',
      stream: undefined,
      filterSubjects: ['in'],
      start: { from: 'all' },
      rateLimit: undefined,
      consumer: {
        name: 'laminar-c',
        durable: true,
        ackPolicy: 'explicit',
        ackWaitMs: 6000,
        maxAckPending: 5000,
        maxDeliver: -1,
        backoffMs: [],
      },
      pullBatchSize: 500,
      pullTimeoutMs: 30_000,
      parallelism: 1,
    });
    expect(resolve({ ...base['source-push'], consumer_max_deliver: 3, consumer_backoff: '1s,0.5m' })).toMatchObject({
      consumer: { maxDeliver: 3, backoffMs: [1000, 30_000] },
      onError: 'retry',
      deliverGroup: undefined,
    });
    expect(resolve({ ...base['sink-jetstream'], stream_subjects: 'out', stream_max_age: 60 })).toMatchObject({
      subject: 'out',
      streamName: 'S',
      stream: { subjects: ['out'], retention: 'limits', maxMsgs: -1, maxAgeS: 60, storage: 'file' },
    });
  });
});

/** What has an effect elsewhere than in the reader or sink: a remark in answers, and a sink's format where its rows are made. */
const effectElsewhere = (name: ConnectionOptionName, role: Role) =>
  name === 'description' || (name === 'format' && role.startsWith('sink-'));

describe('an option', () => {
  const idleIn = (options: Options) =>
    idleOptions({ connector: 'nats', options }, () => new Set()).map(({ option }) => option);
  const valuesOf = (name: ConnectionOptionName) => {
    const [byDefault, good] = table[name];
    return good.filter((value) => value !== byDefault && !sameData(value, {}));
  };

  it.each(roles)(
    'of a %s has an effect beside any other, or one is told that it has none, or it is refused',
    (role) => {
      const applying = names.filter((name) => (connectionOptions[name].roles as readonly Role[]).includes(role));
      let compared = 0;
      for (const name of applying.filter((name) => !effectElsewhere(name, role))) {
        for (const other of [undefined, ...applying]) {
          for (const beside of other === undefined || other === name ? [{}] : valuesOf(other)) {
            const others = other === undefined || other === name ? {} : { ...company[other], [other]: beside };
            const without = { ...base[role], ...company[name], ...others };
            if (issuesOf(without).length > 0 || resolve(without).role !== role) continue;
            const taken = valuesOf(name)
              .map((value) => ({ ...without, [name]: value }))
              .filter((options) => !sameData(options, without) && issuesOf(options).length === 0);
            if (taken.length === 0) continue;
            compared++;
            const isFelt = taken.some((options) => !sameData(resolve(options), resolve(without)));
            if (!isFelt && !taken.every((options) => idleIn(options).includes(name)))
              expect.unreachable(`${name} does nothing beside ${JSON.stringify(without)}`);
          }
        }
      }
      expect(compared).toBeGreaterThan(500);
    },
  );

  it.each<[Options, ConnectionOptionName[], RegExp]>([
    [{ ...base['source-pull'], consumer_backoff: '1s' }, ['consumer_backoff'], /nothing is retried/],
    [
      { ...base['source-pull'], consumer_max_deliver: 3, consumer_backoff: '1s', on_error: 'skip' },
      ['consumer_backoff'],
      /nothing is retried/,
    ],
    [{ ...base['source-core'], on_error: 'skip', dead_letter_subject: 'd' }, ['dead_letter_subject'], /'skip'/],
    [{ ...base['source-core'], batch_size: 1, batch_timeout_ms: 5 }, ['batch_timeout_ms'], /full at once/],
    [{ ...base['source-push'], consumer_durable: false }, ['consumer_pull'], /by their number/],
    [
      { ...base['source-pull'], consumer_durable: false, consumer_ack_policy: 'all' },
      ['consumer_ack_policy'],
      /everything is done/,
    ],
    [{ ...base['source-core'], max_reconnects: 0, reconnect_wait_ms: 5 }, ['reconnect_wait_ms'], /every 30 s/],
    [base['sink-jetstream'], ['stream_name'], /whichever stream/],
    [{ ...base['source-pull'], consumer_max_deliver: 3, consumer_backoff: '1s' }, [], /^$/],
    [{ ...base['source-pull'], on_error: 'retry', consumer_backoff: '1s' }, [], /^$/],
    [{ ...base['source-pull'], consumer_max_deliver: 3, on_error: 'skip', dead_letter_subject: 'd' }, [], /^$/],
  ])('that does nothing as things are is told of: %j', (options, names, why) => {
    expect(issuesOf(options)).toEqual([]);
    const idle = idleOptions({ connector: 'nats', options }, () => new Set());
    expect(idle.map(({ option }) => option)).toEqual(names);
    expect(idle.map((one) => one.why).join()).toMatch(why);
  });

  it('that a pipeline gives an effect is not idle', () => {
    const options = { ...base['source-pull'], consumer_backoff: '1s', on_error: 'skip', dead_letter_subject: 'd' };
    expect(idleIn(options)).toEqual(['consumer_backoff', 'dead_letter_subject']);
    expect(idleOptions({ connector: 'nats', options }, () => new Set(['retry']))).toEqual([]);
  });
});

describe('what not every server can do', () => {
  const several = { ...source, jetstream: true, stream_name: 'S', filter_subjects: ['a', 'b'] };
  const needsOf = (options: Options) => resolve(options).needs.map(({ option, version }) => `${option} ${version}`);

  it('is asked for by options that are gated by the version', () => {
    for (const name of Object.keys(serverGates)) expect(names).toContain(name);
    expect(needsOf(base['source-pull'])).toEqual([]);
    expect(needsOf({ ...several, filter_subjects: ['a'] })).toEqual([]);
    expect(needsOf(several)).toEqual(['filter_subjects 2.10']);
    expect(needsOf({ ...several, tls_required: true, tls_handshake_first: true })).toEqual([
      'filter_subjects 2.10',
      'tls_handshake_first 2.10',
    ]);
  });

  it.each([
    ['2.9.10', true],
    ['2.9.25-RC.1', true],
    ['1.4.1', true],
    ['', true],
    ['2.10.0', false],
    ['2.10.0-beta.3', false],
    ['2.12.2', false],
    ['3.0.0', false],
  ])('version %s lacks it: %s', (version, lacks) => {
    expect(unmetNeed(resolve(several).needs, version) !== undefined).toBe(lacks);
  });
});

describe('the format of a connection', () => {
  const protobuf = { format: 'protobuf', protobuf_message: 'com.example.Event', protobuf_descriptor: '/event.desc' };

  it('is protobuf with its message and descriptor, and never without', () => {
    for (const role of ['source-core', 'source-pull'] as const) {
      expect(issuesOf({ ...base[role], ...protobuf })).toEqual([]);
      const format = { name: 'protobuf', message: 'com.example.Event', descriptorFile: '/event.desc' };
      expect(resolve({ ...base[role], ...protobuf })).toMatchObject({ format });
    }
    expect(issuesOf({ ...base['source-core'], format: 'protobuf' })).toMatchObject([
      { code: 'missing_option', pointer: '/options/protobuf_message' },
      { code: 'missing_option', pointer: '/options/protobuf_descriptor' },
    ]);
    expect(issuesOf({ ...base['source-core'], ...protobuf, format: 'raw' })).toMatchObject([
      { code: 'option_does_not_apply', pointer: '/options/protobuf_message' },
      { code: 'option_does_not_apply', pointer: '/options/protobuf_descriptor' },
    ]);
  });

  it('of a sink is JSON or raw', () => {
    for (const role of ['sink-core', 'sink-jetstream'] as const) {
      expect(issuesOf({ ...base[role], format: 'raw' })).toEqual([]);
      expect(issuesOf({ ...base[role], format: 'protobuf' })).toMatchObject([
        { code: 'invalid_option', pointer: '/options/format', message: expect.stringContaining('json or raw') },
      ]);
    }
  });
});

describe('the columns of a table over raw messages', () => {
  const issuesOfColumn = (name: string, type: string) =>
    misfitColumnIssues([{ name, type }], { ...base['source-core'], format: 'raw' });

  it('are the message itself, by name and type', () => {
    for (const [name, type] of [
      ['data', 'BYTEA'],
      ['Subject', 'text'],
      ['headers', 'jsonb'],
      ['timestamp', 'TIMESTAMPTZ'],
      ['_nats_sequence', 'BIGINT'],
    ] as const)
      expect(issuesOfColumn(name, type)).toEqual([]);
    expect(issuesOfColumn('replyto', 'TEXT')).toMatchObject([
      {
        code: 'unknown_column',
        pointer: '/columns/0/name',
        message: expect.stringContaining('did you mean "reply_to"?'),
      },
    ]);
    expect(issuesOfColumn('id', 'BIGINT')).toMatchObject([{ message: expect.stringContaining('there are data') }]);
    expect(issuesOfColumn('data', 'JSON')).toMatchObject([
      { code: 'invalid_type', pointer: '/columns/0/type', message: expect.stringContaining('BYTEA') },
    ]);
  });
});

describe('the columns of a table over a store', () => {
  const issuesOf = (options: Options, name: string, type: string) => misfitColumnIssues([{ name, type }], options);

  it('are those of its entries, whose value is of the format', () => {
    const kv = base['source-kv'];
    for (const [name, type] of [
      ['key', 'TEXT'],
      ['VALUE', 'JSON'],
      ['revision', 'INT8'],
      ['operation', 'TEXT'],
      ['timestamp', 'TIMESTAMP'],
      ['_nats_sequence', 'BIGINT'],
    ] as const)
      expect(issuesOf(kv, name, type)).toEqual([]);
    expect(issuesOf({ ...kv, format: 'raw' }, 'value', 'BYTEA')).toEqual([]);
    expect(issuesOf({ ...kv, format: 'raw' }, 'value', 'JSON')).toMatchObject([
      { code: 'invalid_type', message: 'the column "value" of an entry of a KV bucket is of type BYTEA' },
    ]);
    expect(issuesOf(kv, 'revison', 'BIGINT')).toMatchObject([
      { code: 'unknown_column', message: expect.stringContaining('did you mean "revision"?') },
    ]);
  });

  it('are those of its objects', () => {
    const store = { ...base['source-object'], format: 'raw' };
    expect(issuesOf(store, 'chunks', 'INT')).toEqual([]);
    expect(issuesOf(store, 'size', 'INT')).toMatchObject([{ code: 'invalid_type', pointer: '/columns/0/type' }]);
    expect(issuesOf(store, 'data', 'BYTEA')).toMatchObject([{ code: 'unknown_column', pointer: '/columns/0/name' }]);
  });

  it('may be any where payloads have fields', () => {
    expect(issuesOf(base['source-core'], 'anything', 'DATE')).toEqual([]);
  });
});

describe('the options of tables and pipelines', () => {
  const columns = [{ name: 'id', type: 'BIGINT' }];

  it('are checked alike', () => {
    expect(tableIssues({ connector: 'c', columns, options: { include_metadata: true, description: 'x' } })).toEqual([]);
    expect(tableIssues({ connector: 'c', columns, options: { include_metdata: true } })).toMatchObject([
      { code: 'unknown_option', message: expect.stringContaining('did you mean "include_metadata"?') },
    ]);
    expect(tableIssues({ connector: 'c', columns, options: { include_metadata: 'yes' } })).toMatchObject([
      { code: 'invalid_option', message: '"include_metadata" must be true or false, but is "yes"' },
    ]);
    expect(pipelineIssues({ query: 'x', options: { on_error: 'retry', description: 'x' } })).toEqual([]);
    expect(pipelineIssues({ query: ' ', options: { on_eror: 'skip' } })).toMatchObject([
      { code: 'unknown_option', message: expect.stringContaining('did you mean "on_error"?') },
      { code: 'empty_query', pointer: '/query' },
    ]);
    expect(pipelineIssues({ query: 'é'.repeat(33_000), options: {} })).toMatchObject([{ code: 'query_too_large' }]);
  });

  it.each([
    [[], 'no_columns', '/columns'],
    [[{ name: '', type: 'TEXT' }], 'invalid_name', '/columns/0/name'],
    [[{ name: 'é'.repeat(32), type: 'TEXT' }], 'invalid_name', '/columns/0/name'],
    [[...columns, { name: 'ID', type: 'TEXT' }], 'duplicate_column', '/columns/1/name'],
    [[{ name: 'a', type: 'TXT' }], 'unknown_type', '/columns/0/type'],
    [[{ name: '_nats_subject', type: 'TEXT' }], 'needs_metadata', '/columns/0/name'],
    [[{ name: '_nats_subjct', type: 'TEXT' }], 'unknown_column', '/columns/0/name'],
  ])('columns %j are refused', (wrong, code, pointer) => {
    expect(tableIssues({ connector: 'c', columns: wrong, options: {} })).toMatchObject([{ code, pointer }]);
  });

  it('declare metadata by its type, where they ask for it', () => {
    const options = { include_metadata: true };
    expect(tableIssues({ connector: 'c', columns: [{ name: '_NATS_Subject', type: 'text' }], options })).toEqual([]);
    expect(tableIssues({ connector: 'c', columns: [{ name: '_nats_subject', type: 'INT' }], options })).toMatchObject([
      { code: 'invalid_type', message: expect.stringContaining('TEXT') },
    ]);
    expect(tableIssues({ connector: 'c', columns: [{ name: 'constructor', type: 'INT' }], options })).toEqual([]);
  });
});
