// The distributions that intervals are made from. Computed with + − × ÷ sqrt, log and exp alone, which agree on every
// supported Node.

/**
 * What the share `p` of standard normal draws does not exceed; `p` in (0, 1).
 *
 * Source: Newton's steps on the series of G. Marsaglia, "Evaluating the normal distribution" (2004). To 1e-9 for `p`
 * from 1e-6 to 1 − 1e-6.
 */
export function normalQuantile(p: number): number {
  return quantile(p, normalTail, normalDensity);
}

/** The same for Student's distribution with `degrees` of freedom: how far a mean of few samples strays. */
export function studentQuantile(p: number, degrees: number): number {
  const logScale = logGamma((degrees + 1) / 2) - logGamma(degrees / 2) - Math.log(degrees * Math.PI) / 2;
  return quantile(
    p,
    // DLMF 8.17.2 and the definition of Student's distribution.
    (t) => betaShare(degrees / (degrees + t * t), (t * t) / (degrees + t * t), degrees / 2, 0.5) / 2,
    (t) => Math.exp(logScale - (Math.log(1 + (t * t) / degrees) * (degrees + 1)) / 2),
  );
}

/** The chance that of `count` independent trials, each a hit with chance `p`, at most `hits` are. Source: DLMF 8.17.5. */
export function chanceOfAtMost(hits: number, count: number, p: number): number {
  if (hits < 0) return 0;
  return hits >= count ? 1 : betaShare(1 - p, p, count - hits, hits + 1);
}

/** The least number of hits that is not exceeded with at least the chance `share`. */
export function hitsQuantile(share: number, count: number, p: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (chanceOfAtMost(middle, count, p) >= share) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Of a distribution symmetric about 0, from its upper tail. Above 0 the tail falls ever more slowly: Newton's steps
 * from 0 come near without passing, and the first that is nothing beside the distance walked is the last.
 */
function quantile(p: number, tail: (z: number) => number, density: (z: number) => number): number {
  const share = Math.min(p, 1 - p);
  let distance = 0;
  let step: number;
  do {
    step = (tail(distance) - share) / density(distance);
    distance += step;
  } while (step > 1e-9 * distance);
  return p < 0.5 ? -distance : distance;
}

function normalTail(z: number): number {
  let term = z;
  let sum = z;
  for (let odd = 3; sum + term > sum; odd += 2) {
    term *= (z * z) / odd;
    sum += term;
  }
  return 0.5 - sum * normalDensity(z);
}

function normalDensity(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/**
 * The regularized incomplete beta function I_x(a, b); `y` is 1 − x, which the caller may know more exactly.
 *
 * Source: the continued fraction DLMF 8.17.22, evaluated as I. Thompson and A. Barnett, "Coulomb and Bessel functions
 * of complex arguments and order" (1986), modify Lentz's method.
 * Cost: terms in the order of the square root of the greater of `a` and `b`.
 */
function betaShare(x: number, y: number, a: number, b: number): number {
  if (x <= 0) return 0;
  // On the other side of the mean the fraction of the complement converges faster.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaShare(y, x, b, a);
  let fraction = 1;
  let above = 1;
  let below = 0;
  let term = 0;
  do {
    term++;
    const m = Math.floor(term / 2);
    const numerator = term % 2 === 0 ? m * (b - m) : -(a + m) * (a + b + m);
    const part = (numerator * x) / ((a + term - 1) * (a + term));
    below = 1 / (1 + part * below);
    above = 1 + part / above;
    fraction *= above * below;
  } while (Math.abs(above * below - 1) > 1e-15);
  return Math.exp(a * Math.log(x) + b * Math.log(y) + logGamma(a + b) - logGamma(a) - logGamma(b)) / (a * fraction);
}

/** Source: Stirling's series, DLMF 5.11.1, at 16 or above, where its next term is below 1e-13; recurrence below that. */
function logGamma(x: number): number {
  let product = 1;
  let at = x;
  for (; at < 16; at++) product *= at;
  const square = at * at;
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / at;
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - Math.log(product);
}
