// What objects do when one operation follows the other: by this a history is judged.

import { canonical } from "./canonical.ts";

/** One way in which an operation may end: what it answers and what it leaves. */
export interface Legal<State, Output> {
  readonly output: Output;
  readonly state: State;
}

/**
 * A sequential object. States are values: `step` makes a new one where something changes. Outputs are equal when they
 * hold the same, refusals when their names are the same.
 *
 * Example: `{ initial: 0, step: (sum, by: number) => [{ output: sum + by, state: sum + by }] }`.
 */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /**
   * All legal ends of `input` in `state`, which is none where it can not happen. `seen` is what was answered, and
   * undefined where that is not known; only a model that can not list its outputs, as of drawn numbers, looks at it.
   */
  step(state: State, input: Input, seen?: { readonly output: Output }): readonly Legal<State, Output>[];
  /** Equal for equal states alone. By default made of all of a state, which has to be plain data then. */
  key?: ((state: State) => string | number) | undefined;
  /** Which part of the object it is about, where parts do not depend on each other: each is judged alone, and sooner. */
  partition?: ((input: Input) => string | number | bigint | boolean) | undefined;
  /** What changes no state, ever: it need not be tried in more than one place, which saves states. */
  reads?: ((input: Input) => boolean) | undefined;
}

type Primitive = string | number | bigint | boolean;

export type RegisterInput<V> = readonly ["read"] | readonly ["write", V] | readonly ["cas", from: V, to: V];
/** Of a read the value, of a cas whether it took place. */
export type RegisterOutput<V> = V | boolean | void;

/** One value. Values are plain data. */
export function register<V>(initial: V): Model<V, RegisterInput<V>, RegisterOutput<V>> {
  return {
    initial,
    step: (state, [type, first, second]) => {
      if (type === "read") return [{ output: state, state }];
      if (type === "write") return [{ output: undefined, state: first as V }];
      const output = canonical(state) === canonical(first);
      return [{ output, state: output ? (second as V) : state }];
    },
    reads: ([type]) => type === "read",
  };
}

export type MapInput<K, V> = readonly ["get" | "has" | "delete", K] | readonly ["set", K, V];
/** Of a get the value or undefined, of has and delete whether the key was there. */
export type MapOutput<V> = V | boolean | void;

/** Values by key, none at first; each key is a part. */
export function map<K extends Primitive, V>(): Model<ReadonlyMap<K, V>, MapInput<K, V>, MapOutput<V>> {
  return {
    initial: new Map(),
    step: (state, [type, key, value]) => {
      if (type === "get") return [{ output: state.get(key), state }];
      if (type === "has") return [{ output: state.has(key), state }];
      const next = new Map(state);
      if (type === "delete") return [{ output: next.delete(key), state: next }];
      return [{ output: undefined, state: next.set(key, value as V) }];
    },
    partition: ([, key]) => key,
    reads: ([type]) => type === "get" || type === "has",
  };
}

export type QueueInput<V> = readonly ["enqueue", V] | readonly ["dequeue"];
/** Of a dequeue the oldest, undefined when there is none. */
export type QueueOutput<V> = V | void;

/** First in, first out; empty at first. Values are plain data. */
export function queue<V>(): Model<readonly V[], QueueInput<V>, QueueOutput<V>> {
  return {
    initial: [],
    step: (state, [type, value]) =>
      type === "enqueue"
        ? [{ output: undefined, state: [...state, value as V] }]
        : [{ output: state[0], state: state.slice(1) }],
  };
}

export type SetInput<V> = readonly ["add" | "delete" | "has", V];

/** Empty at first; each value is a part. The output says whether an add or delete changed something. */
export function set<V extends Primitive>(): Model<ReadonlySet<V>, SetInput<V>, boolean> {
  return {
    initial: new Set(),
    step: (state, [type, value]) => {
      const has = state.has(value);
      if (type === "has") return [{ output: has, state }];
      const next = new Set(state);
      if (type === "delete") return [{ output: next.delete(value), state: next }];
      return [{ output: !has, state: next.add(value) }];
    },
    partition: ([, value]) => value,
    reads: ([type]) => type === "has",
  };
}

export type CounterInput = readonly ["add", number] | readonly ["get"];

/** A sum. The output is the sum afterwards. */
export function counter(initial = 0): Model<number, CounterInput, number> {
  return {
    initial,
    step: (state, [, by = 0]) => [{ output: state + by, state: state + by }],
    reads: ([type]) => type === "get",
  };
}
