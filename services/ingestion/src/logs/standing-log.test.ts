import type { LogDetails } from '@laminar/connectors';
import { expect, it } from 'vitest';
import { StandingLog } from './standing-log.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function logOf(cause: { traceparent: string; atMs: number }) {
  const lines: [level: string, message: string, traced: boolean][] = [];
  const write = (level: string, message: string, details?: () => LogDetails) =>
    void lines.push([level, message, details?.().traceparent === traceparent]);
  return { log: new StandingLog({ write }, cause), lines };
}

it('says what changed, by how bad it is, and as a part of its trace until all is well', () => {
  const { log, lines } = logOf({ traceparent, atMs: Date.now() });
  log.stands('blocked', 'there is no stream');
  log.stands('blocked', 'there is no stream');
  log.stands('failed', 'not permitted');
  log.stands('connected', '');
  log.stands('reconnecting', 'it was lost');
  log.stands('connected', '');
  expect(lines).toEqual([
    ['warn', 'blocked: there is no stream', true],
    ['error', 'failed: not permitted', true],
    ['info', 'connected', true],
    ['warn', 'reconnecting: it was lost', false],
    ['info', 'connected', false],
  ]);
});

it('warns of a good state with something odd about it, such as drift', () => {
  const { log, lines } = logOf({ traceparent: '', atMs: Date.now() });
  log.stands('connected', 'the stream has another retention');
  expect(lines).toEqual([['warn', 'connected: the stream has another retention', false]]);
});

it('has no part in a trace of long ago', () => {
  const { log, lines } = logOf({ traceparent, atMs: Date.now() - 3_600_000 });
  log.stands('connected', '');
  expect(lines).toEqual([['info', 'connected', false]]);
});
