// Several asks at once, and actors that stop or crash meanwhile: the orders that exhaustive exploration finds, against a
// walk through every choice there is.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exhaustedOrders, walkedOrders } from "./orders.ts";
import { bodyOf, type Kind, type Program, programs } from "./programs.ts";

type Step = Program[number]["steps"][number];

const [a, b, c] = [0, 1, 2];
const stop: Step = { do: "stop" };
const crash: Step = { do: "crash" };
const both = (left: readonly Step[] = [], right: readonly Step[] = []): Step => ({
  do: "askBoth",
  asks: [
    { to: b, steps: left },
    { to: c, steps: right },
  ],
});
const twice: Step = {
  do: "askBoth",
  asks: [
    { to: c, steps: [] },
    { to: c, steps: [] },
  ],
};
const ask = (to: number, ...steps: Step[]): Step => ({ do: "ask", to, steps });
const within = (to: number, ...steps: Step[]): Step => ({ do: "ask", to, steps, within: 5 });
const pipe = (to: number, ...steps: Step[]): Step => ({ do: "pipe", to, steps });
const sent = (to: number, ...steps: Step[]): Program[number] => ({ to, steps });

const systems: readonly { readonly name: string; readonly orders: number; readonly program: Program }[] = [
  { name: "one of two that are asked stops", orders: 5, program: [sent(a, both()), sent(b, stop)] },
  { name: "one of two that are asked crashes", orders: 4, program: [sent(a, both()), sent(b, crash)] },
  { name: "both that are asked stop", orders: 13, program: [sent(a, both()), sent(b, stop), sent(c, stop)] },
  { name: "one stops and one crashes", orders: 10, program: [sent(a, both()), sent(b, stop), sent(c, crash)] },
  { name: "who asks two stops", orders: 2, program: [sent(a, both()), sent(a, stop)] },
  { name: "who asks two crashes meanwhile", orders: 41, program: [sent(a, pipe(b), pipe(c)), sent(a, crash)] },
  { name: "both stop with their answers", orders: 2, program: [sent(a, both([stop], [stop]))] },
  { name: "both crash in place of an answer", orders: 2, program: [sent(a, both([crash], [crash]))] },
  { name: "two asks of one that stops", orders: 7, program: [sent(a, twice), sent(c, stop)] },
  { name: "two asks of one that crashes", orders: 6, program: [sent(a, twice), sent(c, crash)] },
  { name: "who is asked asks another that stops", orders: 15, program: [sent(a, both([ask(c)])), sent(c, stop)] },
  { name: "who is asked asks with a deadline", orders: 7, program: [sent(a, ask(b, within(c))), sent(c, stop)] },
  { name: "two who ask one that stops", orders: 10, program: [sent(a, ask(c)), sent(b, ask(c)), sent(c, stop)] },
  { name: "a deadline and two asks", orders: 24, program: [sent(a, within(b, twice)), sent(b, stop)] },
  { name: "a pipe of who stops", orders: 2, program: [sent(a, pipe(c), stop), sent(c, crash)] },
];

describe("exhaust", () => {
  test.each(systems)("[X2 sim] finds the $orders orders there are where $name", async ({ orders, program }) => {
    const [found, walked] = [await exhaustedOrders(bodyOf(program)), await walkedOrders(bodyOf(program))];
    expect([found, walked]).toMatchObject([{ isComplete: true }, { isComplete: true }]);
    expect(found.orders).toEqual(walked.orders);
    expect(found.orders.size).toBe(orders);
  });

  test.each<[string, Kind[]]>([
    ["asks at once and stops", ["tell", "ask", "askBoth", "stop"]],
    ["asks at once, crashes and deadlines", ["tell", "ask", "askBoth", "within", "crash"]],
    ["pipes, stops and crashes", ["tell", "ask", "pipe", "stop", "crash"]],
  ])("[X2 sim] finds each order that a walk finds of programs with %s (seed 17)", async (_, kinds) => {
    const most = 400;
    const property = fc.asyncProperty(programs(kinds, { depth: 3 }), async (program) => {
      const walked = await walkedOrders(bodyOf(program), { runsMax: most });
      if (!walked.isComplete) return;
      const found = await exhaustedOrders(bodyOf(program), { tracesMax: most });
      expect(found).toMatchObject({ isComplete: true, orders: walked.orders });
    });
    await fc.assert(property, { numRuns: 60, seed: 17 });
  });
});
