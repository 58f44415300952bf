// Seeded draws: streams and keyed draws. Integer arithmetic only, so that every engine gives the same bits.

/** The next draw in [0, 1). */
export type Stream = () => number;

/**
 * A stream for a name under a seed. State: 128 bits from {@link digest}.
 * Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators" (2021), xoshiro128**.
 */
export function stream(seed: number, name: string): Stream {
  const state = new State(digest(seed, name));
  return () => unit(state.next(), state.next());
}

class State {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor([a, b, c, d]: readonly [number, number, number, number]) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  /** 32 bits. */
  next(): number {
    const b = this.#b;
    const scrambled = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const c = this.#c ^ this.#a;
    const d = this.#d ^ b;
    this.#b = b ^ c;
    this.#a ^= d;
    this.#c = c ^ (b << 9);
    this.#d = rotate(d, 11);
    return scrambled;
  }
}

/** One draw in [0, 1) that depends on its arguments only. */
export function keyed(seed: number, name: string, key: string | number): number {
  const [a, b] = digest(seed, `${name}\u0000${typeof key}\u0000${key}`);
  return unit(a, b);
}

/** Two 32-bit words to one double: 53 bits, never 1. */
function unit(high: number, low: number): number {
  return ((high >>> 5) * 67_108_864 + (low >>> 6)) / 9_007_199_254_740_992;
}

/**
 * 128 bits of a text under a seed: four multiply-rotate lanes over UTF-16 units, finished crosswise.
 * Source of the finishing constants: A. Appleby, MurmurHash3 (2011), public domain.
 */
function digest(seed: number, text: string): [number, number, number, number] {
  const high = Math.floor(seed / 4_294_967_296) | 0;
  let a = (seed | 0) ^ 0x9e3779b9;
  let b = high ^ 0x243f6a88;
  let c = (seed | 0) ^ 0xb7e15162;
  let d = high ^ 0xdeadbeef;
  for (let i = 0; i < text.length; i++) {
    const unitCode = text.charCodeAt(i);
    a = rotate(Math.imul(a ^ unitCode, 0x85ebca6b), 13);
    b = rotate(Math.imul(b ^ a ^ unitCode, 0xc2b2ae35), 15);
    c = rotate(Math.imul(c ^ b ^ unitCode, 0x27d4eb2f), 17);
    d = rotate(Math.imul(d ^ c ^ unitCode, 0x165667b1), 19);
  }
  a = finish(a ^ text.length ^ d);
  b = finish(b ^ a);
  c = finish(c ^ b);
  d = finish(d ^ c);
  // xoshiro may not start from zero alone.
  return [a ^ c, b ^ d, c, d | 1];
}

function finish(word: number): number {
  let w = word ^ (word >>> 16);
  w = Math.imul(w, 0x85ebca6b);
  w ^= w >>> 13;
  w = Math.imul(w, 0xc2b2ae35);
  return w ^ (w >>> 16);
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
