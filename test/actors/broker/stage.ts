// What the conformance tests share: actors that note what they get.

import type { Ref, Self, System } from "antiphon";
import { type SimulatedWorld, simulate } from "antiphon/sim";

export interface Events {
  placed(order: { n: number; region?: string }): unknown;
  paid(order: { n: number; region?: string }): unknown;
}

/** An actor that notes what it gets, with the time and its path, and does `then`. */
export const notes =
  (seen: string[], then: (self: Self, n: number) => unknown = () => {}) =>
  (self: Self): Events => {
    const take = (order: { n: number }) => {
      seen.push(`${self.now()} ${self.path} ${order.n} #${self.message?.attempt}`);
      return then(self, order.n);
    };
    return { placed: take, paid: take };
  };

export const play = (body: (world: SimulatedWorld) => Promise<void>) => (): Promise<void> =>
  simulate({}, body).then(() => {});
export const spawn = (
  system: System,
  name: string,
  seen: string[],
  then?: (self: Self, n: number) => unknown,
): Ref<Events> => system.spawn(notes(seen, then), { name, concurrency: 9, supervision: { maxRestarts: 99 } });
export const crashes = (): never => {
  throw new Error("planted");
};
