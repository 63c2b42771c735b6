/** The value of an option, as SQL and JSON write it. */
export type OptionValue = string | number | boolean | readonly OptionValue[] | { readonly [key: string]: OptionValue };

export type Options = { readonly [name: string]: OptionValue };

/** A list option that may also be written as one text. */
export function listOf(value: Options[string] | undefined): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
