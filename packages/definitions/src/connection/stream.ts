import type { Issue } from '../errors.js';
import type { Options } from '../option-value.js';
import { optionPointer } from '../validate-options.js';

/** Settings of a stream that is made; one that exists is never changed. */
const settingsOfNew = ['stream_retention', 'stream_max_msgs', 'stream_max_age', 'stream_storage'] as const;

/** Settings of a stream that is not made by this connection. */
export function streamIssues(options: Options): Issue[] {
  if (options.stream_subjects !== undefined) return [];
  return settingsOfNew
    .filter((name) => options[name] !== undefined)
    .map((name) => ({
      code: 'option_does_not_apply',
      message: `"${name}" has no effect without stream_subjects: only a stream that this connection makes gets it; give its subjects, or leave it out`,
      pointer: optionPointer(name),
    }));
}
