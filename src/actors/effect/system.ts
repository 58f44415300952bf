// A system among Effect's resources, and programs that run in the world of one.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Scheduler } from "effect/Scheduler";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import type { Duration } from "../../runtime/kernel/protocol.ts";
import type { ActorSystem as KernelSystem } from "../../runtime/kernel/system.ts";
import type { Self, System } from "../../runtime/kernel/verbs.ts";
import { Caller } from "./verbs.ts";
import { worldOf } from "./world.ts";

/** The system itself, for `census`, `events` and `stop`. */
export interface ActorSystem {
  readonly key: "antiphon/ActorSystem";
}
export const ActorSystem: Context.Service<ActorSystem, System> = Context.Service<ActorSystem, System>(
  "antiphon/ActorSystem",
);

/**
 * A system for as long as its scope is open: made by `create`, and stopped, with `drain`, when the scope closes. Effects
 * with this layer have a `Caller`, and the clock and the draws of its world.
 * Example: `program.pipe(Effect.provide(systemLayer(() => createSystem({ name: "shop" }), { drain: "5s" })))`.
 */
export function systemLayer(
  create: () => System,
  options: { readonly drain?: Duration | undefined; readonly epochMs?: number | undefined } = {},
): Layer.Layer<ActorSystem | Caller> {
  const { drain, epochMs = 0 } = options;
  if (typeof create !== "function") throw new InvalidOption("create", create, "a function that makes a system");
  const system = Effect.acquireRelease(Effect.sync(create), (system) => Effect.promise(() => system.stop({ drain })));
  return Layer.effectContext(Effect.map(system, (system) => contextOf(system, epochMs)));
}

/**
 * Runs an Effect in the world of `within`: of a system, from outside or in the body of a simulation, or of an actor, in
 * one of its handlers. Interrupts it when `signal` aborts, in an actor when the asker gives up.
 * Fails: what the Effect fails with, as `Effect.runPromise` has it.
 * Example: `simulate({ seed: 7 }, ({ system }) => run(system, program))`.
 */
export function run<A, E>(
  within: System | Self,
  effect: Effect.Effect<A, E, Caller | ActorSystem>,
  options: { readonly signal?: AbortSignal | undefined; readonly epochMs?: number | undefined } = {},
): Promise<A> {
  const { epochMs = 0 } = options;
  const signal = options.signal ?? ("path" in within ? within.signal : undefined);
  const context = "path" in within ? actorContext(within, epochMs) : contextOf(within, epochMs, true);
  return Effect.runPromiseWith(context)(effect, signal === undefined ? {} : { signal });
}

function actorContext(self: Self, epochMs: number): Context.Context<Caller | ActorSystem> {
  return Context.add(worldOf(self, epochMs, spanNames()), Caller, self) as Context.Context<Caller | ActorSystem>;
}

/** A program that runs elsewhere keeps its own order of turns. */
function contextOf(system: System, epochMs: number, withOrder = false): Context.Context<ActorSystem | Caller> {
  // What is done from outside is done by the root.
  const { self } = (system as unknown as KernelSystem).core.root;
  const world = worldOf(self, epochMs, spanNames());
  const own = withOrder ? world : (Context.omit(Scheduler)(world) as Context.Context<never>);
  return own.pipe(Context.add(ActorSystem, system), Context.add(Caller, system));
}

function spanNames(): () => string {
  let count = 0;
  return () => `span-${++count}`;
}
