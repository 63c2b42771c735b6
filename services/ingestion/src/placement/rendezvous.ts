import { createHash } from 'node:crypto';

/** Which of the members prefers a key: each key has its own order of members, and only a leaving member's keys move (highest random weight). */
export function preferred(key: string, members: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestWeight = '';
  for (const member of members) {
    const weight = createHash('sha1').update(`${member}\n${key}`).digest('hex');
    if (best === undefined || weight > bestWeight || (weight === bestWeight && member < best)) {
      best = member;
      bestWeight = weight;
    }
  }
  return best;
}
