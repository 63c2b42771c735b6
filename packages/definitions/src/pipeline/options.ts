import Type from 'typebox';

/** Options of a pipeline. */
export const pipelineOptions = {
  on_error: Type.Enum(['dead_letter', 'skip', 'retry', 'stop'], {
    description:
      "What happens to a row that cannot be evaluated; the connection's own on_error where it is left out. `retry` needs a source whose consumer acknowledges.",
  }),
  description: Type.String({ minLength: 1, maxLength: 4096, description: 'A remark for people.' }),
} as const;
