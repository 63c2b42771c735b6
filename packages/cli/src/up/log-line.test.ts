import { describe, expect, it } from 'vitest';
import { problemOf } from './log-line.js';

describe('problemOf', () => {
  it.each([
    ['an event', '{"level":30,"msg":"started"}'],
    ['an empty line', '  '],
  ])('is nothing for %s', (_, line) => {
    expect(problemOf(line)).toBeUndefined();
  });

  it.each([
    ['a warning', '{"level":40,"msg":"slow"}', { severity: 'warning', text: 'slow' }],
    [
      'an error with its cause',
      '{"level":60,"msg":"the service cannot go on","err":{"message":"no bus","stack":"Error: no bus\\n    at x"}}',
      { severity: 'error', text: 'the service cannot go on: no bus' },
    ],
    ['what is no line of the logger', 'Segmentation fault', { severity: 'error', text: 'Segmentation fault' }],
    ['other JSON', '[1]', { severity: 'error', text: '[1]' }],
  ])('tells %s', (_, line, problem) => {
    expect(problemOf(line)).toEqual(problem);
  });
});
