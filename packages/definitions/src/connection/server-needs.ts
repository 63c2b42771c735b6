import { listOf, type Options, type OptionValue } from '../option-value.js';

/** Something that older servers cannot do. */
export interface ServerNeed {
  /** The option that asks for it. */
  readonly option: string;
  /** What asks for it, in words. */
  readonly what: string;
  /** The first nats-server that can, such as `2.10`. */
  readonly version: string;
}

interface Gate extends Omit<ServerNeed, 'option'> {
  asksFor(value: OptionValue): boolean;
}

/** The one table of what depends on the server's version. Option names are checked where the options are declared. */
export const serverGates = {
  filter_subjects: {
    version: '2.10',
    what: 'filter_subjects with more than one subject',
    asksFor: (value) => listOf(value).length > 1,
  },
  tls_handshake_first: {
    version: '2.10',
    what: 'tls_handshake_first',
    asksFor: (value) => value === true,
  },
} as const satisfies { readonly [option: string]: Gate };

/** What these options ask of a server that not every server can do. */
export function serverNeeds(options: Options): ServerNeed[] {
  return Object.entries(serverGates).flatMap(([option, { version, what, asksFor }]) => {
    const value = options[option];
    return value !== undefined && asksFor(value) ? [{ option, what, version }] : [];
  });
}

/** The first need that a server of this version, as it says in its INFO, does not meet. */
export function unmetNeed(needs: readonly ServerNeed[], version: string): ServerNeed | undefined {
  return needs.find((need) => !isAtLeast(version, need.version));
}

function isAtLeast(version: string, needed: string): boolean {
  const [major = 0, minor = 0] = numbersOf(version);
  const [neededMajor = 0, neededMinor = 0] = numbersOf(needed);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}

const numbersOf = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10) || 0);
