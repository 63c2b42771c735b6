interface Range {
  readonly type: string;
  /** From 0, which refuses, to 1. */
  readonly quality: number;
}

const pattern = /^([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)$/;

/**
 * The media type to answer with (RFC 9110, 12.5.1): of those that are offered the one that `Accept` likes best; among equals the one that is named most exactly, then first.
 * Undefined where it takes none of them. Without a header it is the first that is offered.
 */
export function acceptedType<T extends string>(accept: string | undefined, offered: readonly T[]): T | undefined {
  if (accept === undefined || accept.trim() === '') return offered[0];
  const ranges = accept.split(',').flatMap(readRange);
  let best: { type: T; quality: number; exactness: number; at: number } | undefined;
  for (const type of offered) {
    const matching = ranges.map((range, at) => ({ ...range, at, exactness: exactness(range.type, type) }));
    const [most] = matching.filter((range) => range.exactness > 0).sort((a, b) => b.exactness - a.exactness);
    if (!most || most.quality === 0) continue;
    const { quality, exactness: exact, at } = most;
    const isBetter =
      !best ||
      quality > best.quality ||
      (quality === best.quality && (exact > best.exactness || (exact === best.exactness && at < best.at)));
    if (isBetter) best = { type, quality, exactness: exact, at };
  }
  return best?.type;
}

/** What is no media range takes nothing. */
function readRange(text: string): Range[] {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  if (!pattern.test(type)) return [];
  const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.replace(/^q\s*=\s*/, '');
  if (quality === undefined) return [{ type, quality: 1 }];
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(quality) ? [{ type, quality: Number(quality) }] : [];
}

/** How exactly a range names a type: 3 by name, 2 by its family, 1 as any, 0 not at all. */
function exactness(range: string, type: string): number {
  if (range === type) return 3;
  if (range === '*/*') return 1;
  return range.endsWith('/*') && type.startsWith(range.slice(0, -1)) ? 2 : 0;
}
