/** The value of an option, as SQL and JSON write it. */
export type OptionValue = string | number | boolean | readonly OptionValue[] | { readonly [key: string]: OptionValue };

export type Options = { readonly [name: string]: OptionValue };
