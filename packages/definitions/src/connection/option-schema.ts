import Type, { type TSchemaOptions } from 'typebox';

/** Forms that options share. */
export const oneOf = <const T extends string[]>(values: [...T], options: TSchemaOptions) => Type.Enum(values, options);

export const integer = (minimum: number, maximum: number, options: TSchemaOptions) =>
  Type.Integer({ minimum, maximum, ...options });

export const text = (options: TSchemaOptions) => Type.String({ minLength: 1, maxLength: 4096, ...options });

/** One text, or a list of them. */
export const texts = (options: TSchemaOptions) =>
  Type.Union([text({}), Type.Array(text({}), { minItems: 1, maxItems: 100 })], options);

/** A name of a stream, consumer or queue group (NATS ADR-6): no dots, wildcards, slashes or white space. */
export const natsName = (options: TSchemaOptions) => Type.String({ pattern: '^[^\\s.*>/\\\\]{1,255}$', ...options });

export const yearMs = 365 * 24 * 3_600_000;
