/** The sides of a comparison: each does the same job once, and says what it took. */
type Sides = { readonly [name: string]: () => Promise<unknown> };

/** What each side said, a value of every counted run. */
type Measured<S extends Sides> = { [N in keyof S]: Awaited<ReturnType<S[N]>>[] };

/**
 * All sides in turn, `runs` times, after one round that does not count, unless sides begin anew each time. Every other round goes the other way round, so that a
 * machine that becomes slower or faster meanwhile favours nobody.
 */
export async function inTurn<S extends Sides>(
  runs: number,
  sides: S,
  { warmUp = true }: { readonly warmUp?: boolean } = {},
): Promise<Measured<S>> {
  const names: (keyof S)[] = Object.keys(sides);
  const measured = {} as Measured<S>;
  for (const name of names) measured[name] = [];
  for (let round = warmUp ? 0 : 1; round <= runs; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const result = (await sides[name]?.()) as Awaited<ReturnType<S[keyof S]>>;
      if (round > 0) measured[name].push(result);
    }
  }
  return measured;
}
