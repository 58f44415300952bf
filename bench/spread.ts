// Samples as a median with their least and greatest, ratios between such, and numbers of three figures.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)] ?? Number.NaN, sorted[Math.ceil(middle)] ?? Number.NaN];
  return { median: (low + high) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/**
 * How many times as much time or room one takes as the other, between the medians of each round. Time per item is the
 * inverse of the rate; an amount is itself the cost.
 */
export function costRatio(
  kind: "rate" | "amount",
  above: readonly (readonly number[])[] | undefined,
  below: readonly (readonly number[])[] | undefined,
): Spread | undefined {
  if (above === undefined || below === undefined) return undefined;
  const rounds = Math.min(above.length, below.length);
  const ratios = above.slice(0, rounds).map((round, i) => {
    const ratio = spreadOf(round).median / spreadOf(below[i] ?? []).median;
    return kind === "rate" ? 1 / ratio : ratio;
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

/** Three figures: 12.3M, 447k, 248. */
export function short(value: number): string {
  if (value >= 999_500) return `${figures(value / 1_000_000)}M`;
  if (value >= 9_995) return `${figures(value / 1_000)}k`;
  return value >= 1_000 ? value.toFixed(0) : figures(value);
}

const figures = (value: number): string =>
  value.toPrecision(Math.abs(value) >= 100 ? Math.ceil(Math.log10(value + 0.5)) : 3);

/** Of one round there is no spread. */
export function ratio(spread: Spread | undefined): string {
  if (spread === undefined) return "-";
  const median = times(spread.median).padStart(5);
  return spread.min === spread.max ? median : `${median} (${times(spread.min)}–${times(spread.max)})`;
}

export const times = (value: number): string => (value >= 10 ? value.toFixed(0) : value.toFixed(2));
