// Consistent hashing: keys and targets are points on one circle, and a key belongs to the next target.
// Source: D. Karger et al., "Consistent hashing and random trees" (1997).

interface Point<T> {
  readonly at: number;
  readonly name: string;
  readonly target: T;
}

/**
 * Each target has `vnodes` points, which depend on its name alone: when one comes or goes, only keys that it has or had
 * get another target, about one of as many as there are targets.
 */
export class HashRing<T extends { readonly name: string }> {
  readonly #points: readonly Point<T>[];

  constructor(targets: readonly T[], vnodes: number) {
    const points: Point<T>[] = [];
    for (const target of targets)
      for (let n = 0; n < vnodes; n++) points.push({ at: hash(`${target.name}#${n}`), name: target.name, target });
    this.#points = points.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
  }

  /** Undefined when there are no targets. */
  of(key: string): T | undefined {
    const points = this.#points;
    const at = hash(key);
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] as Point<T>).at < at) low = middle + 1;
      else high = middle;
    }
    return (points[low] ?? points[0])?.target;
  }
}

/** FNV-1a, and the last steps of MurmurHash3, without which keys that differ in their last letter are neighbours. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
