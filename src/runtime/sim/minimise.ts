// The smallest part of a failing run that still fails in the same way.
// Source: A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input" (TSE 2002), ddmin.

/** Called with a part; true when it still fails. */
type Fails<T> = (part: readonly T[]) => Promise<boolean>;

/**
 * A part of `items` that still fails, of which nothing more can be left out alone. All of `items` must fail.
 *
 * Cost: a logarithm of trials where little is needed, at worst a square.
 */
export async function ddmin<T>(items: readonly T[], fails: Fails<T>): Promise<readonly T[]> {
  if (items.length === 0 || (await fails([]))) return [];
  let kept = items;
  for (let parts = 2; kept.length > 1; ) {
    const smaller = await someSmaller(kept, Math.min(parts, kept.length), fails);
    if (smaller !== undefined) {
      // A half that fails is split anew, the rest of one goes on with parts of the same size.
      parts = smaller.length * 2 <= kept.length ? 2 : Math.max(2, parts - 1);
      kept = smaller;
    } else if (parts >= kept.length) break;
    else parts *= 2;
  }
  return kept;
}

async function someSmaller<T>(items: readonly T[], parts: number, fails: Fails<T>): Promise<readonly T[] | undefined> {
  const cut = (i: number) => Math.floor((i * items.length) / parts);
  if (parts === 2) {
    for (let i = 0; i < parts; i++) {
      const one = items.slice(cut(i), cut(i + 1));
      if (one.length < items.length && (await fails(one))) return one;
    }
    return undefined;
  }
  for (let i = 0; i < parts; i++) {
    const rest = [...items.slice(0, cut(i)), ...items.slice(cut(i + 1))];
    if (await fails(rest)) return rest;
  }
  return undefined;
}
