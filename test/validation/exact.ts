// For checks with nothing left to chance.

import { type SimulatedWorld, type Simulation, simulate } from "antiphon/sim";
import { expect } from "vitest";

/** Equal to 1e-9 of the prediction: what many sums of doubles may be off by. */
export function isEqual(found: number, predicted: number): void {
  expect(Math.abs(found - predicted), `${found} for ${predicted}`).toBeLessThanOrEqual(1e-9 * Math.abs(predicted));
}

export function list<T>(length: number, item: (place: number) => T): T[] {
  return Array.from({ length }, (_, place) => item(place));
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

export function play<T>(body: (world: SimulatedWorld) => Promise<T>): Promise<Simulation<T>> {
  return simulate({ trace: "off" }, body);
}
