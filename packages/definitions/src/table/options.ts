import Type from 'typebox';

/** Options of a table. */
export const tableOptions = {
  include_metadata: Type.Boolean({ default: false, description: 'The table may have `_nats_*` columns.' }),
  description: Type.String({ minLength: 1, maxLength: 4096, description: 'A remark for people.' }),
} as const;
