// The module of a worker in docs/actors.md.

// #region module
export interface Primes {
  below(limit: number): number;
}

/** The slow way. */
export const primes = (): Primes => ({
  below(limit) {
    let count = 0;
    for (let n = 2; n < limit; n++) {
      let divisor = 2;
      while (n % divisor !== 0) divisor++;
      if (divisor === n) count++;
    }
    return count;
  },
});
// #endregion

// biome-ignore lint/style/noDefaultExport: it is what a thread looks for
export default primes;
