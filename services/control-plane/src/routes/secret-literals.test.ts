import { eventually, startNats, type TestNats } from '@laminar/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplica } from '../testing.js';

const canary = 'hunter2';
const create = (options: string) =>
  `CREATE CONNECTION c TO nats (servers = 'h', type = 'source', format = 'json', subject = 'a', ${options})`;

let nats: TestNats;
let replica: Replica;

beforeAll(async () => {
  nats = await startNats();
  replica = await startReplica(nats.url);
  await eventually(() => replica.health.reason === undefined, { what: 'the control plane to be ready' });
});
afterAll(async () => {
  await replica.stop();
  await nats.stop();
});

describe('a secret that is written into a script', () => {
  it.each([
    ['where a reference belongs', create(`username = 'ann', password = '${canary}'`)],
    ['beside something else that is wrong', create(`username = 'ann', password = '${canary}', subjct = 'a'`)],
    ['of a value that is no text', create(`token = ${canary}`)],
    ['without a sign', create(`token '${canary}'`)],
    ['without an end', create(`token = '${canary}`)],
    ['with a quote in it', create(`token = 'it's ${canary}'`)],
    ['under a name that is misspelt', create(`username = 'ann', passwrd = '${canary}'`)],
    ['in front of a host', create('description = 5').replace("'h'", `'nats://ann:${canary}@h'`)],
    ['in another statement of one line', `${create(`token = '${canary}'`)}; SELCT 1`],
    ['in an ALTER', `ALTER CONNECTION c SET (password = '${canary}')`],
    ['in what is explained', `EXPLAIN ${create(`token = '${canary}'`)}`],
    ['in a query', `CREATE PIPELINE p AS SELECT nothing(a) FROM b WHERE password = '${canary}' AND`],
  ])('is in no answer: %s', async (_, sql) => {
    for (const [path, more] of [
      ['sql', {}],
      ['sql', { dry_run: true }],
      ['validate', {}],
    ] as const) {
      const answer = await replica.call('POST', path, { sql, ...more });
      expect(answer.status, JSON.stringify(answer.body)).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.body.position).toBeDefined();
      expect(JSON.stringify(answer.body)).not.toContain(canary);
    }
  });

  it('leaves the caret under what is wrong', async () => {
    const sql = create(`username = 'ann', password = '${canary}', subjct = 'a'`);
    const { body } = await replica.call('POST', 'sql', { sql });
    const wrong = body.errors.find(({ code }: { code: string }) => code === 'unknown_option');
    const [line, caret] = wrong.excerpt.split('\n');
    expect(line.slice(caret.indexOf('^'))).toMatch(/^subjct = 'a'/);
    expect([...sql].slice(wrong.position.offset).join('')).toMatch(/^subjct/);
  });
});

it.each([
  ['a definition', `{"name": "c", "options": {"password": "${canary}",, }}`],
  ['a script', `{"sql": "${create(`password = '${canary}'`)}", }`],
  ['a repeated name', `{"name": "c", "name": "d", "token": "${canary}"}`],
])('a secret in a body that is no JSON is not repeated: %s', async (_, body) => {
  const answer = await replica.call('POST', 'connections', body);
  expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
  expect(answer.body.excerpt).toContain('***');
  expect(JSON.stringify(answer.body)).not.toContain(canary);
});
