import { describe, expect, it } from 'vitest';
import { type PipelineReport, type PipelineState, summarizeConnection, summarizePipeline } from './index.js';

const report = (state: PipelineState, appliedRevision: number, message = ''): PipelineReport => ({
  name: 'p',
  instance: 'i',
  session: 's',
  desiredRevision: 9,
  appliedRevision,
  state,
  message,
  sinceMs: 0,
});

describe('a pipeline as a whole', () => {
  it('is what needs attention most, and applied as far as everywhere', () => {
    expect(summarizePipeline([report('running', 9), report('blocked', 7, 'why')], 'running')).toEqual({
      state: 'blocked',
      appliedRevision: 7,
      message: 'why',
    });
    const order: PipelineState[] = ['failed', 'blocked', 'starting', 'running', 'stopped'];
    for (const [i, worse] of order.entries())
      for (const better of order.slice(i))
        expect(summarizePipeline([report(better, 1), report(worse, 2)], 'running').state).toBe(worse);
  });

  it('waits for an instance, or is stopped, where nobody says anything', () => {
    expect(summarizePipeline([], 'stopped')).toEqual({ state: 'stopped', appliedRevision: 0, message: '' });
    expect(summarizePipeline([], 'running')).toMatchObject({ state: 'starting', appliedRevision: 0 });
    expect(summarizeConnection([])).toEqual({ state: 'idle', appliedRevision: 0, message: '' });
  });
});
