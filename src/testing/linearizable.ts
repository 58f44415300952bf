// Whether what clients saw can be explained by an object that does one operation after the other.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { whole } from "../runtime/kernel/options.ts";
import type { Operation } from "./history.ts";
import type { Model } from "./models.ts";
import { endOf, type Found, search } from "./search.ts";
import { show } from "./verdict.ts";

export interface LinearizableOptions {
  /** States that are tried for each part before it gives up; 300,000 by default. */
  readonly states?: number | undefined;
}

/** An operation that can not be next, with what it could have answered there. */
export interface Blocked<Input, Output> {
  readonly operation: Operation<Input, Output>;
  readonly legal: readonly Output[];
}

export interface Linearized<Input, Output> {
  readonly ok: true;
  /** One order that explains what was seen, with those unknown ones that had to happen. */
  readonly order: readonly Operation<Input, Output>[];
  readonly states: number;
  readonly text: string;
}

export interface NotLinearizable<Input, Output> {
  readonly ok: false;
  /** A longest order that is legal and in time, of the part of the history that can not be explained. */
  readonly order: readonly Operation<Input, Output>[];
  /** Of those that may be next in time one has to be, and none can; the one that ended first is the first. */
  readonly blocked: readonly Blocked<Input, Output>[];
  readonly states: number;
  /** What was seen and what would have been legal, for people. */
  readonly text: string;
}

/** Nothing is known. */
export interface GaveUp<Input, Output> {
  readonly ok: undefined;
  /** Where the search was when it gave up. */
  readonly order: readonly Operation<Input, Output>[];
  readonly states: number;
  readonly text: string;
}

export type Linearizability<Input, Output> =
  | Linearized<Input, Output>
  | NotLinearizable<Input, Output>
  | GaveUp<Input, Output>;

/**
 * Judges a history: is there a point of time for each operation, between its invocation and its end, such that the model
 * gives the same outputs at these points? Unknown ones are tried both ways: at some point after the invocation, or never.
 *
 * Promises: `true` comes with an order that shows it; `false` after every order was tried; `undefined` when that would
 * have taken more than `states`.
 * Fails: InvalidOption, for a history whose operations end before they begin, or a state that is no plain data.
 * Cost: about a state per operation where they hardly overlap; exponential in how many overlap.
 * Source: M. Herlihy and J. Wing, "Linearizability" (1990); its theorem of locality lets parts be judged alone.
 * Example: `expect(linearizable(history, register(0))).toMatchObject({ ok: true })`.
 */
export function linearizable<State, Input, Output>(
  history: Iterable<Operation<Input, Output>>,
  model: Model<State, Input, Output>,
  options: LinearizableOptions = {},
): Linearizability<Input, Output> {
  const statesMax = whole("states", options.states, 300_000, 1);
  const operations = [...history];
  operations.forEach(check);
  const parts = partsOf(operations, model);
  const founds = parts.map((part) => search(part, model, statesMax));
  const states = founds.reduce((sum, found) => sum + found.states, 0);
  // One part that can not be explained is enough, whatever became of the others.
  const stuck = founds.find(({ how }) => how === "stuck");
  if (stuck !== undefined) {
    const blocked = blockedOf(stuck, model);
    return { ok: false, order: stuck.order, blocked, states, text: textOf(stuck, blocked) };
  }
  const open = founds.find(({ how }) => how === "gave up");
  if (open !== undefined) {
    const text = `Gave up after ${open.states} states: nothing is known. More states, fewer clients or a partition may help.`;
    return { ok: undefined, order: open.order, states, text };
  }
  const order = merged(founds.map((found) => found.order));
  return { ok: true, order, states, text: `Linearizable: ${operations.length} operations, ${states} states.` };
}

const outcomes = ["answered", "unknown", "not-started"];

function check(operation: Operation<unknown, unknown>, index: number): void {
  const { invoked, outcome } = operation;
  if (!outcomes.includes(outcome)) throw new InvalidOption(`history[${index}].outcome`, outcome, outcomes.join(", "));
  if (!Number.isFinite(invoked)) throw new InvalidOption(`history[${index}].invoked`, invoked, "a number");
  const end = endOf(operation);
  if (!(end >= invoked)) throw new InvalidOption(`history[${index}].ended`, end, `a number of at least ${invoked}`);
}

function partsOf<State, Input, Output>(
  operations: readonly Operation<Input, Output>[],
  { partition }: Model<State, Input, Output>,
): Operation<Input, Output>[][] {
  const parts = new Map<unknown, Operation<Input, Output>[]>();
  for (const operation of operations) {
    if (operation.outcome === "not-started") continue;
    const name = partition?.(operation.input);
    const part = parts.get(name);
    if (part === undefined) parts.set(name, [operation]);
    else part.push(operation);
  }
  return [...parts.values()];
}

/** Each has its point as soon as those before it in its part allow, which is before it ended; so all are in time. */
function merged<Input, Output>(orders: readonly (readonly Operation<Input, Output>[])[]): Operation<Input, Output>[] {
  const points = orders.flatMap((order) => {
    let point = Number.NEGATIVE_INFINITY;
    return order.map((operation) => ({ operation, point: (point = Math.max(point, operation.invoked)) }));
  });
  return points.sort((a, b) => a.point - b.point).map(({ operation }) => operation);
}

function blockedOf<State, Input, Output>(
  { next, state }: Found<State, Input, Output>,
  model: Model<State, Input, Output>,
): Blocked<Input, Output>[] {
  return next
    .filter(({ outcome }) => outcome === "answered")
    .map((operation) => ({ operation, legal: model.step(state, operation.input).map(({ output }) => output) }));
}

/** Operations of the order that the text shows, the last ones. */
const shownMax = 20;

function textOf(found: Found<unknown, unknown, unknown>, blocked: readonly Blocked<unknown, unknown>[]): string {
  const { order, states } = found;
  const hidden = Math.max(0, order.length - shownMax);
  return [
    `Not linearizable: no order explains what was seen; ${states} states were tried.`,
    ...(order.length > 0 ? [`The furthest goes${hidden > 0 ? `, after ${hidden} others` : ""}:`] : []),
    ...order.slice(hidden).map((operation) => `  ${operationText(operation)}`),
    `${order.length > 0 ? "Then" : "At first"} the state is ${show(found.state)}, and none of these can be next:`,
    ...blocked.map(({ operation, legal }) => `  ${operationText(operation)}; ${legalText(legal)}`),
  ].join("\n");
}

function operationText(operation: Operation<unknown, unknown>): string {
  const { client, input, invokedAtMs } = operation;
  const answered = operation.outcome === "answered" ? operation : undefined;
  const saw = answered === undefined ? "no answer" : show(answered.output);
  const span = [invokedAtMs, answered?.endedAtMs].filter((ms) => ms !== undefined).join(" to ");
  return `${client}: ${inputText(input)} → ${saw}${span && ` (${span} ms)`}`;
}

function legalText(legal: readonly unknown[]): string {
  return legal.length === 0 ? "that was not legal" : `legal was ${legal.map(show).join(" or ")}`;
}

/** A name with arguments reads like a call. */
function inputText(input: unknown): string {
  if (!Array.isArray(input) || typeof input[0] !== "string") return show(input);
  return `${input[0]}(${input.slice(1).map(show).join(", ")})`;
}
