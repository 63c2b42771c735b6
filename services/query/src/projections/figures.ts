import type { Figures } from '../mesh/metrics-board.js';

/** The newest for which `has` gives something. */
export function newest<F extends Pick<Figures, 'atMs'>>(
  figures: readonly F[],
  has: (figures: F) => unknown,
): F | undefined {
  let found: F | undefined;
  for (const entry of figures) if (has(entry) && (!found || entry.atMs > found.atMs)) found = entry;
  return found;
}

export function sum<F>(figures: readonly F[], value: (figures: F) => number): number {
  return figures.reduce((total, entry) => total + value(entry), 0);
}
