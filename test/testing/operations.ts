// Histories written by hand, and a judge that knows no better than to try every order.

import { isDeepStrictEqual } from "node:util";
import type { Operation } from "../../src/testing/history.ts";
import type { Model } from "../../src/testing/models.ts";

export function answered<const Input, Output>(
  client: string,
  [invoked, ended]: readonly [number, number],
  input: Input,
  output: Output,
): Operation<Input, Output> {
  return { client, input, invoked, outcome: "answered", output, ended };
}

export function unanswered<const Input>(
  client: string,
  invoked: number,
  input: Input,
  outcome: "unknown" | "not-started" = "unknown",
): Operation<Input, never> {
  return { client, input, invoked, outcome };
}

function comesBefore(one: Operation<unknown, unknown>, other: Operation<unknown, unknown>): boolean {
  return one.outcome === "answered" && one.ended < other.invoked;
}

/** How many of the answered ones there are in an order in time that is legal, at most: every order is tried. */
export function longest<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): number {
  const extend = (left: readonly Operation<Input, Output>[], state: State): number => {
    const lengths = left.flatMap((each) => {
      const others = left.filter((other) => other !== each);
      if (others.some((other) => comesBefore(other, each))) return [];
      const one = each.outcome === "answered" ? 1 : 0;
      return endsOf(model, state, each).map((end) => one + extend(others, end));
    });
    return Math.max(0, ...lengths);
  };
  return extend(
    history.filter(({ outcome }) => outcome !== "not-started"),
    model.initial,
  );
}

/** Whether this order is in time and legal. */
export function explains<State, Input, Output>(
  order: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): boolean {
  const inTime = order.every((later, at) => !order.slice(0, at).some((earlier) => comesBefore(later, earlier)));
  const states = order.reduce((before, each) => before.flatMap((state) => endsOf(model, state, each)), [model.initial]);
  return inTime && states.length > 0;
}

function endsOf<State, Input, Output>(
  model: Model<State, Input, Output>,
  state: State,
  operation: Operation<Input, Output>,
): State[] {
  if (operation.outcome !== "answered") return model.step(state, operation.input).map((end) => end.state);
  const { input, output } = operation;
  const ends = model.step(state, input, { output });
  return ends.filter((end) => isDeepStrictEqual(end.output, output)).map((end) => end.state);
}
