import { ConnectorError } from '@laminar/connectors';
import { resolveConnection } from '@laminar/definitions';
import { describe, expect, it } from 'vitest';
import { Backoff, Halted, Unexpected } from './backoff.js';

const resolved = resolveConnection('c', {
  connector: 'nats',
  options: {
    servers: 'nats://a',
    type: 'source',
    format: 'json',
    subject: 'a',
    max_reconnects: 2,
    reconnect_wait_ms: 1000,
    reconnect_jitter_ms: 300,
  },
});
const missing = new ConnectorError('blocked', 'there is no stream');
const refused = new ConnectorError('failed', 'it is not allowed');

/** The waits after failures in a row, for the least and the most that chance gives. */
const waits = (count: number, fail: (backoff: Backoff) => { delayMs: number | undefined }) =>
  [0, 1].map((chance) => {
    const backoff = new Backoff(resolved, () => chance);
    return Array.from({ length: count }, () => fail(backoff).delayMs);
  });

describe('a connection waits before it is tried again', () => {
  it('by its own numbers where no server is reached, and half a minute and more when those are used up', () => {
    expect(waits(4, (backoff) => backoff.afterDial())).toEqual([
      [1000, 1000, 30_000, 1000],
      [1300, 1300, 33_000, 1300],
    ]);
    const backoff = new Backoff(resolved, () => 0);
    expect(Array.from({ length: 4 }, () => backoff.afterDial().state)).toEqual([
      'blocked',
      'blocked',
      'failed',
      'blocked',
    ]);
  });

  it('twice as long each time where something is missing, up to five seconds, and never all at the same time', () => {
    expect(waits(7, (backoff) => backoff.after(missing))).toEqual([
      [125, 250, 500, 1000, 2000, 2500, 2500],
      [250, 500, 1000, 2000, 4000, 5000, 5000],
    ]);
  });

  it('half a minute and more where it does not come right soon', () => {
    expect(waits(2, (backoff) => backoff.after(refused))).toEqual([
      [30_000, 30_000],
      [33_000, 33_000],
    ]);
  });

  it('twice as long each time where nobody expected it, also where it works in between, up to half a minute', () => {
    const unexpected = new Unexpected(new Error('timeout'));
    const fail = (backoff: Backoff) => {
      backoff.works();
      return backoff.after(unexpected);
    };
    expect(waits(9, fail)).toEqual([
      [125, 250, 500, 1000, 2000, 4000, 8000, 30_000, 30_000],
      [250, 500, 1000, 2000, 4000, 8000, 16_000, 33_000, 33_000],
    ]);
    let nowMs = 0;
    const backoff = new Backoff(
      resolved,
      () => 0,
      () => nowMs,
    );
    const states = Array.from({ length: 8 }, () => backoff.after(unexpected).state);
    expect(states).toEqual([...Array.from({ length: 7 }, () => 'blocked'), 'failed']);
    nowMs = 60_000;
    expect(backoff.after(unexpected).state).toBe('failed');
    nowMs = 120_001;
    expect(backoff.after(unexpected)).toEqual({ state: 'blocked', delayMs: 125 });
  });

  it('until somebody changes something where that is needed', () => {
    const backoff = new Backoff(resolved, () => 0.5);
    expect(backoff.after(new Halted('stopped'))).toEqual({ state: 'failed', delayMs: undefined });
  });

  it('as the first time once a server was reached, or once it has worked for a while', () => {
    let nowMs = 0;
    const backoff = new Backoff(
      resolved,
      () => 0,
      () => nowMs,
    );
    const failAfter = (workedMs: number) => {
      backoff.works();
      nowMs += workedMs;
      return backoff.after(missing).delayMs;
    };
    backoff.afterDial();
    backoff.afterDial();
    expect([failAfter(0), failAfter(0), failAfter(9999), backoff.after(missing).delayMs]).toEqual([
      125, 250, 500, 1000,
    ]);
    expect([backoff.afterDial().state, backoff.afterDial().state]).toEqual(['blocked', 'blocked']);
    expect([failAfter(10_000), failAfter(0)]).toEqual([125, 250]);
    // That it worked once says nothing of how long it has not.
    nowMs += 60_000;
    expect(backoff.after(missing).delayMs).toBe(500);
  });
});
