import { connect } from 'node:net';
import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

const key = 'a-key-of-enough-length';
let nats: TestNats;
let replica: Replica;
let secured: Replica;
const call: Replica['call'] = (...args) => replica.call(...args);

beforeAll(async () => {
  nats = await startNats();
  [replica, secured] = await Promise.all([startReplica(nats.url), startReplica(nats.url, { apiKeys: [key] })]);
  await eventually(() => replica.health.reason === undefined && secured.health.reason === undefined, {
    what: 'the control planes to be ready',
  });
  await call('PUT', 'connections/known', valid);
});
afterAll(async () => {
  await Promise.all([replica.stop(), secured.stop()]);
  await nats.stop();
});

const valid = {
  connector: 'nats',
  options: { servers: 'nats://localhost:4222', type: 'source', format: 'json', subject: 'a' },
};
const nested = (depth: number) => `{"query":${'['.repeat(depth)}${']'.repeat(depth)}}`;

describe('a body', () => {
  it.each([
    ['no JSON', '{"name": "x",}', 400, 'malformed_json'],
    ['nothing', '', 400, 'missing_body'],
    ['nested too deep', nested(64), 400, 'malformed_json'],
    ['nested without end', '['.repeat(200_000), 400, 'malformed_json'],
    ['a prototype', '{"__proto__": {"name": "x"}}', 400, 'malformed_json'],
    ['half a surrogate pair', '{"name": "\\ud800"}', 400, 'malformed_json'],
    ['null', 'null', 422, 'invalid_body'],
    ['a list', '[]', 422, 'invalid_body'],
    ['larger than 1 MiB', `"${'x'.repeat(1024 * 1024)}"`, 413, 'body_too_large'],
  ])('that is %s is refused', async (_what, body, status, code) => {
    const answer = await call('POST', 'connections', body);
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body.detail).not.toMatch(/\bat .*\.(js|ts):/);
  });

  it('that is nested as deep as is allowed is judged by what it says', async () => {
    expect((await call('POST', 'pipelines', nested(63))).status).toBe(422);
  });

  it('that is not UTF-8 is refused', async () => {
    const response = await fetch(`${replica.url}/api/v1/connections`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    });
    expect(response.status).toBe(400);
  });

  it('names no member twice', async () => {
    const repeated = await call('POST', 'connections', '{"name": "é😀",\n "name": "b"}');
    expect(repeated).toMatchObject({
      status: 400,
      body: { code: 'malformed_json', position: { line: 2, column: 2, offset: 16 } },
    });
    expect(repeated.body.detail).toContain('"name" stands twice');
  });

  it('must be of a type that is taken', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/merge-patch+json'])
      expect(await call('POST', 'connections', '{}', { 'content-type': type })).toMatchObject({
        status: 415,
        body: { code: 'unsupported_media_type' },
      });
    const utf8 = { 'content-type': 'application/json; charset=utf-8' };
    expect((await call('PUT', 'connections/known', valid, utf8)).status).toBe(200);
  });

  it('is refused where none is taken', async () => {
    expect((await call('DELETE', 'connections/other', { a: 1 })).body.code).toBe('unexpected_body');
    await call('PUT', 'pipelines/started', { query: 'SELECT a FROM known' });
    // Clients that always send a type, with a body that is empty in one way or another.
    for (const empty of [{}, '']) expect((await call('POST', 'pipelines/started/start', empty)).status).toBe(200);
    expect((await call('POST', 'sql', undefined)).body.code).toBe('missing_body');
  });

  it.each([
    [{ ...valid }, '/name', 'missing_field', '"name" is missing'],
    [{ name: 'x', ...valid, optoins: {} }, '/optoins', 'unknown_field', 'did you mean "options"?'],
    [{ name: 'x', ...valid, version: 3 }, '/version', 'read_only_field', 'leave it out'],
    [{ name: 5, ...valid }, '/name', 'invalid_value', '"name" must be string'],
    [{ name: 'a.b', ...valid }, '/name', 'invalid_name', 'is not a name'],
    [{ name: '', ...valid }, '/name', 'invalid_name', 'is not a name'],
    [{ name: 'x'.repeat(64), ...valid }, '/name', 'invalid_name', 'at most 63'],
    [{ name: 'system', ...valid }, '/name', 'reserved_name', 'reserved'],
    [{ name: 'x', connector: 'natz', options: {} }, '/connector', 'unknown_connector', 'did you mean "nats"?'],
    [{ name: 'x', connector: 'nats', options: [] }, '/options', 'invalid_value', 'must be object'],
    [
      { name: 'x', ...valid, options: { ...valid.options, subjct: 'b' } },
      '/options/subjct',
      'unknown_option',
      'did you mean "subject"?',
    ],
    [
      { name: 'x', ...valid, options: { ...valid.options, jetstream: 'yes' } },
      '/options/jetstream',
      'invalid_option',
      'true or false',
    ],
    [
      { name: 'x', ...valid, options: { ...valid.options, servers: null } },
      '/options/servers',
      'invalid_option',
      'servers',
    ],
    [
      { name: 'x', ...valid, options: { ...valid.options, subject: 'a..b' } },
      '/options/subject',
      'invalid_option',
      'dot',
    ],
  ])('%j is refused with a pointer', async (body, pointer, code, detail) => {
    const answer = await call('POST', 'connections', body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ pointer, code }));
    expect(answer.body.detail).toContain(detail);
  });

  it('of a table or pipeline is refused with pointers to all that is wrong', async () => {
    const table = await call('POST', 'tables', {
      name: 't',
      connector: 'known',
      columns: [
        { name: 'a', type: 'BIGNT' },
        { name: 'a', type: 'TEXT' },
        { name: '_nats_subject', type: 'TEXT' },
      ],
    });
    expect(table.body.errors).toMatchObject([
      { code: 'unknown_type', pointer: '/columns/0/type', detail: expect.stringContaining('did you mean BIGINT?') },
      { code: 'duplicate_column', pointer: '/columns/1/name' },
      { code: 'needs_metadata', pointer: '/columns/2/name' },
    ]);
    const nested = await call('POST', 'tables', { name: 't', connector: 'known', columns: [{ nam: 'a', type: 5 }] });
    expect(nested.body.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ code: 'missing_field', pointer: '/columns/0/name' }),
        expect.objectContaining({ code: 'unknown_field', pointer: '/columns/0/nam' }),
      ]),
    );
    const pipeline = await call('POST', 'pipelines', {
      name: 'p',
      query: ' ',
      desired: 'runing',
      options: { on_eror: 1 },
    });
    expect(pipeline.body.errors).toMatchObject([{ code: 'invalid_value', pointer: '/desired' }]);
    expect(pipeline.body.detail).toContain('"running" or "stopped"');
    const huge = await call('POST', 'pipelines', {
      name: 'p',
      query: `SELECT '${'x'.repeat(70_000)}' AS a FROM known`,
    });
    expect(huge.body.errors).toMatchObject([{ code: 'query_too_large', pointer: '/query' }]);
  });

  it('cannot rename, by PUT nor by PATCH', async () => {
    for (const method of ['PUT', 'PATCH'])
      expect(await call(method, 'connections/known', { name: 'other', ...valid })).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/name' }] },
      });
    expect((await call('PATCH', 'connections/known', { colour: 'red' })).body.errors).toMatchObject([
      { code: 'unknown_field', pointer: '/colour' },
    ]);
    expect((await call('PATCH', 'connections/known', { connector: null })).status).toBe(422);
  });
});

describe('an address', () => {
  it.each(['nowhere', 'connections/known/tests', 'clouds', 'secrets/x/y', 'connections/a/b/c'])(
    '%s leads nowhere',
    async (path) => {
      expect(await call('POST', path)).toMatchObject({ status: 404, body: { code: 'route_not_found' } });
    },
  );

  it('with a name that cannot be leads nowhere, but where it would be defined', async () => {
    for (const name of ['a.b', 'a%20b', '%00', 'a%2Fb', 'x'.repeat(64)]) {
      for (const method of ['GET', 'DELETE'])
        expect((await call(method, `connections/${name}`)).body.code, name).toBe('not_found');
      expect((await call('PUT', `connections/${name}`, valid)).status).toBe(422);
    }
    expect((await call('GET', `connections/${'x'.repeat(300)}`)).status).toBe(404);
    expect(await call('GET', 'connections/%E0%A4%A')).toMatchObject({
      status: 400,
      body: { code: 'malformed_request' },
    });
  });

  it('takes only the methods that it has', async () => {
    for (const [method, path, allow] of [
      ['PATCH', 'connections', 'GET, HEAD, POST'],
      ['POST', 'pipelines/p', 'DELETE, GET, HEAD, PATCH, PUT'],
      ['GET', 'pipelines/p/start', 'POST'],
      ['GET', 'sql', 'POST'],
      ['DELETE', '/readyz', 'GET, HEAD'],
      ['OPTIONS', 'events', 'GET, HEAD'],
      ['QUERY', 'sql', 'POST'],
    ] as const) {
      const answer = await call(method, path);
      expect(answer, path).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
      expect(answer.headers.get('allow')).toBe(allow);
    }
  });

  it('takes only the parameters that it has, with values that they can have', async () => {
    for (const [path, code, detail] of [
      ['connections?limt=1', 'unknown_parameter', 'did you mean "limit"?'],
      ['connections?limit=0', 'invalid_parameter', 'limit'],
      ['connections?limit=1001', 'invalid_parameter', 'limit'],
      ['connections?limit=ten', 'invalid_parameter', 'limit'],
      ['connections?limit=1&limit=2', 'invalid_parameter', 'limit'],
      ['connections?cursor=abc', 'invalid_parameter', 'cursor'],
      ['connections/known?wait=forever', 'invalid_parameter', 'applied'],
      ['connections/known?wait=applied&timeout_ms=60001', 'invalid_parameter', 'timeout_ms'],
      ['/readyz?x=1', 'unknown_parameter', 'takes none'],
    ] as const) {
      const answer = await call('GET', path);
      expect(answer, path).toMatchObject({ status: 400, body: { code } });
      expect(answer.body.detail).toContain(detail);
    }
  });

  it('answers with a problem to what is not HTTP', async () => {
    const socket = connect(Number(new URL(replica.url).port), '127.0.0.1');
    const text = await new Promise<string>((resolve, reject) => {
      let received = '';
      socket.on('data', (data) => {
        received += data.toString();
      });
      socket.on('close', () => resolve(received));
      socket.on('error', reject);
      socket.write('NONSENSE\r\n\r\n');
    });
    expect(text).toContain('HTTP/1.1 400');
    expect(text).toContain('"code":"malformed_request"');
  });

  it('is answered with headers that keep browsers from harm', async () => {
    for (const path of ['/api/v1/connections', '/metrics', '/nowhere']) {
      const { headers } = await fetch(`${replica.url}${path}`);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
    const page = await fetch(`${replica.url}/documentation`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect((await fetch(`${replica.url}/documentation/json`)).status).toBe(200);
  });
});

describe('a key', () => {
  it('is needed for everything but the probes, where keys are set', async () => {
    for (const path of ['connections', '/openapi.json', '/documentation', '/metrics', '/nowhere', 'events']) {
      const answer = await secured.call('GET', path);
      expect(answer, path).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    }
    for (const path of ['/livez', '/readyz']) expect((await secured.call('GET', path)).status).toBe(200);
    expect((await secured.call('GET', 'connections', undefined, { authorization: `Bearer ${key}x` })).status).toBe(401);
    expect((await secured.call('GET', 'connections', undefined, { authorization: `Bearer ${key}` })).status).toBe(200);
  });

  it('is named in the event by its fingerprint, never by itself', async () => {
    const authorization = { authorization: `Bearer ${key}` };
    await secured.call('PUT', 'connections/mine', valid, authorization);
    const { body } = await secured.call('GET', 'connections/mine/history', undefined, authorization);
    expect(body.items[0].actor).toMatch(/^key:[0-9a-f]{8}$/);
    expect(JSON.stringify(body)).not.toContain(key);
  });
});
