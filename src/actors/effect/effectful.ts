// An object whose methods return Effects, as an actor.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import { InvalidOption } from "../../runtime/kernel/failure.ts";
import { messagesOf } from "../../runtime/kernel/names.ts";
import { type Ref, receive, type Spawned } from "../../runtime/kernel/protocol.ts";
import type { Make, Self, SpawnOptions } from "../../runtime/kernel/verbs.ts";
import { type Runner, runnerOf } from "./running.ts";
import { Caller } from "./verbs.ts";
import { worldOf } from "./world.ts";

// biome-ignore lint/suspicious/noExplicitAny: a Self of any protocol is given, as in Make
type AnySelf = Self<any>;

type RequirementOf<F> = F extends (...payload: never[]) => infer R
  ? R extends Effect.Effect<unknown, unknown, infer Needs>
    ? Needs
    : never
  : never;

/** What the Effects of an actor need beside what each actor has: a `Caller`, and the `Scope` of its incarnation. */
export type Needs<A, R = never> = Exclude<{ [M in keyof A]: RequirementOf<A[M]> }[keyof A] | R, Caller | Scope.Scope>;

export interface EffectfulOptions {
  /** Unix time in ms at the world's 0; 0 by default. Live: `Date.now() - system.now()`. */
  readonly epochMs?: number | undefined;
  /** Layers that several actors build with one of these are built once, and released with the last of them. */
  readonly memoMap?: Layer.MemoMap | undefined;
}

/** Where the services come from: a layer, built anew for each incarnation, or a context that is there. */
export type Provided<N> =
  | (EffectfulOptions & { readonly layer: Layer.Layer<N, unknown, Caller>; readonly services?: undefined })
  | (EffectfulOptions & { readonly services: Context.Context<N>; readonly layer?: undefined });

type Options<N> = [N] extends [never] ? [options?: EffectfulOptions] : [options: Provided<N>];

/**
 * A factory of an actor from one whose object's methods return Effects. The success of an Effect is the answer, a typed
 * failure a refusal (as itself if it is a `Refusal`, else as `EffectRefusal`), a defect a crash. Methods that return
 * something else stay as they are; `make` may itself return an Effect, and acquire what is released when the
 * incarnation ends.
 *
 * Promises: an Effect is interrupted when its asker gives up, at its deadline, and at the fence of a restart or stop.
 * Clock, Random, Scheduler, Tracer and loggers are the world's: in a simulation no time passes but the virtual, and
 * equal seeds give equal traces. `Scope` is the incarnation's: what is forked into it ends with that, before the next.
 * Fails: InvalidOption. What a layer, or `make`, fails with is a crash of the factory.
 * Not seen: runtimes that a method starts of its own (`Effect.runPromise`) have the host's clock; a fiber that is
 * detached (`forkDetach`) outlives its actor.
 * Example: `system.spawn(effectful(() => ({ reserve: (sku: string) => Effect.fail(new OutOfStock({ sku })) })))`.
 */
export function effectful<A extends object, E = never, R = never>(
  make: (self: AnySelf) => A | PromiseLike<A> | Effect.Effect<A, E, R>,
  ...[options]: Options<Needs<A, R>>
): Make<A> {
  if (typeof make !== "function") throw new InvalidOption("make", make, "a function that makes the actor's object");
  return factory(make, (options ?? {}) as Provided<never>);
}

/**
 * Starts an effectful actor from within an Effect: as a child of the actor that runs it, or of the system. Its Effects
 * have the services of this one, but for the world's own.
 */
export function spawn<A extends object, E = never, R = never>(
  make: (self: AnySelf) => A | PromiseLike<A> | Effect.Effect<A, E, R>,
  options?: SpawnOptions,
): Effect.Effect<Ref<Spawned<A>>, never, Caller | Needs<A, R>> {
  return Effect.contextWith((context: Context.Context<Caller | Needs<A, R>>) => {
    const { mapUnsafe } = worldOf(Context.get(context, Caller) as AnySelf, 0, () => "");
    const services = new Map(context.mapUnsafe);
    for (const own of [...mapUnsafe.keys(), Caller.key, Scope.Scope.key, "effect/Tracer/ParentSpan"])
      services.delete(own);
    const made = factory(make, { services: Context.makeUnsafe<never>(services) });
    return Effect.sync(() => Context.get(context, Caller).spawn(made, options));
  });
}

function factory<A extends object, E, R>(
  make: (self: AnySelf) => A | PromiseLike<A> | Effect.Effect<A, E, R>,
  options: Provided<never>,
): Make<A> {
  const { epochMs = 0, memoMap, layer, services = Context.empty() } = options;
  if (!Number.isFinite(epochMs)) throw new InvalidOption("epochMs", epochMs, "a number of milliseconds");
  /** Counted through all incarnations: no two spans of one actor have one id. */
  const spans = new WeakMap<object, number>();
  /** The same object made twice is the runtime's to refuse. */
  const wrapped = new WeakMap<object, A>();
  return (self) => {
    const spanName = () => {
      const count = (spans.get(self.ref) ?? 0) + 1;
      spans.set(self.ref, count);
      return `span-${count}`;
    };
    const path = () => self.path;
    const scope = Scope.makeUnsafe();
    const world = Context.add(worldOf(self, epochMs, spanName), Caller, self);
    const base = Context.add(Context.merge(services, world), Scope.Scope, scope);
    const start = Effect.gen(function* () {
      const built =
        layer === undefined
          ? Context.empty()
          : yield* Effect.provideContext(
              Layer.buildWithMemoMap(layer, memoMap ?? Layer.makeMemoMapUnsafe(), scope),
              base,
            );
      const context = Context.merge(base, built) as Context.Context<never>;
      const made = make(self);
      const inner = Effect.isEffect(made)
        ? yield* Effect.provideContext(made as Effect.Effect<A, E>, context)
        : isPending(made)
          ? yield* Effect.promise(() => made)
          : made;
      const again = wrapped.get(inner);
      if (again !== undefined) return again;
      const outer = wrap(self, inner as A, runnerOf(context, path), scope);
      wrapped.set(inner, outer);
      return outer;
    });
    const run = runnerOf(base as Context.Context<never>, path);
    const orClose = Effect.onError(start, (cause) => Scope.close(scope, Exit.failCause(cause)));
    return run(Effect.orDie(orClose), () => undefined);
  };
}

type Handlers = Record<string | symbol, (payload?: unknown) => unknown>;

/** An object of the same class and the same messages. Each call goes to `inner`, so that its private fields work. */
function wrap<A extends object>(self: Self, inner: A, run: Runner, scope: Scope.Closeable): A {
  // What is no actor is the runtime's to refuse.
  if (typeof inner !== "object" || inner === null || "then" in inner) return inner;
  const handlers = inner as Handlers;
  const outer: object = Object.create(Object.getPrototypeOf(inner));
  const signal = () => self.signal;
  const names = receive in inner ? [...messagesOf(inner), receive] : messagesOf(inner);
  for (const name of names)
    define(outer, name, (payload) => {
      const result = handlers[name]?.(payload);
      return Effect.isEffect(result) ? run(result as Effect.Effect<unknown, unknown>, signal) : result;
    });
  const dispose = handlers[Symbol.asyncDispose] ?? handlers[Symbol.dispose];
  define(outer, Symbol.asyncDispose, async () => {
    try {
      await dispose?.call(inner);
    } finally {
      await run(Scope.close(scope, Exit.void), () => undefined);
    }
  });
  return outer as A;
}

function define(object: object, name: string | symbol, value: (payload: unknown) => unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true });
}

function isPending<A>(made: A | PromiseLike<A>): made is PromiseLike<A> {
  return made instanceof Promise;
}
