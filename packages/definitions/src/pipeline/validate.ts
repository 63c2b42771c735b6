import type { PipelineDefinition } from '../definition.js';
import type { Issue } from '../errors.js';
import { optionIssues } from '../validate-options.js';
import { pipelineOptions } from './options.js';

const queryBytesMax = 64 * 1024;

/** Everything that is wrong with a pipeline but for its query, which the SQL binder judges; empty where it can be accepted. */
export function pipelineIssues({ query, options }: Pick<PipelineDefinition, 'query' | 'options'>): Issue[] {
  const issues = optionIssues(options, pipelineOptions);
  if (query.trim() === '') issues.push({ code: 'empty_query', message: 'the query is empty', pointer: '/query' });
  const bytes = new TextEncoder().encode(query).length;
  if (bytes > queryBytesMax) {
    issues.push({
      code: 'query_too_large',
      message: `the query has ${bytes} bytes; at most ${queryBytesMax} are taken`,
      pointer: '/query',
    });
  }
  return issues;
}
