import { type Self, settle } from "antiphon";
import {
  firstValueFrom,
  from,
  interval,
  map,
  type Observable,
  of,
  ReplaySubject,
  Subject,
  switchMap,
  take,
  throwError,
  timer,
  toArray,
} from "rxjs";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createMachine } from "xstate";
import {
  asking,
  eventsOf,
  feed,
  observeIn,
  stateful,
  stateOf,
  watchEvents,
  worldScheduler,
} from "../../src/actors/rxjs/index.ts";
import { machine } from "../../src/actors/xstate/index.ts";
import { type Kit, live, sim } from "../conformance/world.ts";

class Counter {
  #count = 0;
  add(n: number) {
    this.#count += n;
    return this.#count;
  }
  async addLater(n: number) {
    await Promise.resolve();
    return this.add(n);
  }
  crash() {
    throw new Error("planted");
  }
  get count() {
    return this.#count;
  }
}

/** Goes on until it holds; live, a loaded machine may take its time. */
const until = async ({ breathe }: Kit, holds: () => boolean) => {
  for (let turn = 0; turn < 200_000 && !holds(); turn++) await breathe();
};

const clock = (self: Self) => ({ wait: (ms: number) => self.sleep(ms) });

describe.each([live, sim])("observables in the $name world", ({ name, run }) => {
  test("show the events of a system", () =>
    run(async ({ system }) => {
      const seen = firstValueFrom(
        eventsOf(system).pipe(
          map(({ kind, path }) => `${kind} ${path}`),
          take(2),
          toArray(),
        ),
      );
      const ref = system.spawn((self: Self) => ({ end: () => self.stop() }), { name: "one" });
      await system.ask(ref).end();
      expect(await seen).toEqual(["started /one", "ended /one"]);
    }));

  test("of the events can be made without RxJS, and for await", () =>
    run(async ({ system }) => {
      const seen: string[] = [];
      const watching = watchEvents(system);
      const { unsubscribe } = watching.subscribe(({ path }) => seen.push(path));
      const bad = watching.subscribe(() => {
        throw new Error("its own");
      });
      const observed = firstValueFrom(from(watching as unknown as Observable<{ path: string }>));
      const iterator = watching[Symbol.asyncIterator]();
      system.spawn(() => ({}), { name: "one" });
      unsubscribe();
      bad.unsubscribe();
      system.spawn(() => ({}), { name: "two" });
      expect(seen).toEqual(["/one"]);
      expect((await observed).path).toBe("/one");
      const steps = [await iterator.next(), await iterator.next()];
      expect(steps.map(({ value }) => value?.path)).toEqual(["/one", "/two"]);
      expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    }));

  test("show the state of an actor, from the present one to its end", () =>
    run(async ({ system, idle }) => {
      const log: unknown[] = [];
      const ref = system.spawn(
        stateful(
          () => new Counter(),
          ({ count }) => count,
        ),
        { name: "counter" },
      );
      await system.ask(ref).add(1);
      const subscription = stateOf(system, ref).subscribe({
        next: (count) => void log.push(count),
        complete: () => log.push("complete"),
      });
      expectTypeOf(stateOf(system, ref)).toEqualTypeOf<Observable<number>>();
      await idle();
      await system.ask(ref).add(2);
      await system.ask(ref).add(0);
      await system.ask(ref).addLater(3);
      await idle();
      expect(log).toEqual([1, 3, 6]);
      await settle(system.ask(ref).crash());
      await system.ask(ref).add(4);
      await idle();
      expect(log).toEqual([1, 3, 6, 0, 4]);
      subscription.unsubscribe();
      await idle();
      await system.ask(ref).add(1);
      await idle();
      expect(log).toEqual([1, 3, 6, 0, 4]);
      const ended = firstValueFrom(stateOf(system, ref).pipe(toArray()));
      await idle();
      await system.stop();
      expect(await ended).toEqual([5]);
    }));

  test("show the states of a machine", () =>
    run(async ({ system, idle }) => {
      const door = createMachine({
        id: "door",
        types: {} as { events: { type: "open" } },
        initial: "closed",
        states: { closed: { on: { open: "open" } }, open: { type: "final" } },
      });
      const ref = system.spawn(machine(door));
      const states = firstValueFrom(
        stateOf(system, ref).pipe(
          map(({ value }) => value),
          toArray(),
        ),
      );
      await idle();
      await system.ask(ref).open();
      expect(await states).toEqual(["closed", "open"]);
    }));

  test("feed an actor no faster than it takes them, in their order", () =>
    run(async ({ system, idle }) => {
      const log: number[] = [];
      const slow = system.spawn(
        (self: Self) => ({
          async take(n: number) {
            await self.sleep(1);
            log.push(n);
          },
        }),
        { mailbox: { capacity: 1 } },
      );
      expect(await feed(system, of(1, 2, 3, 4, 5), slow, "take")).toEqual({ ok: true, offered: 5, dropped: 0 });
      await idle();
      expect(log).toEqual([1, 2, 3, 4, 5]);
      const newest = await feed(system, of(1, 2, 3, 4), slow, "take", { capacity: 1, overflow: "drop-newest" });
      const oldest = await feed(system, of(1, 2, 3, 4), slow, "take", { capacity: 1, overflow: "drop-oldest" });
      await idle();
      expect([newest, oldest]).toEqual([
        { ok: true, offered: 2, dropped: 2 },
        { ok: true, offered: 2, dropped: 2 },
      ]);
      expect(log.slice(5)).toEqual([1, 2, 1, 4]);
      expect(await feed(system, of(1, 2, 3), slow, "take", { capacity: 1 })).toMatchObject({
        ok: false,
        error: { _tag: "MailboxFull", outcome: "not-started" },
      });
    }));

  test("that fail, and offers that do, end a feed without a rejection", () =>
    run(async ({ system, idle }) => {
      const ref = system.spawn((self: Self) => ({ take: (_: number) => self.stop() }));
      const failing = throwError(() => new Error("planted"));
      expect(await feed(system, failing, ref, "take")).toMatchObject({ ok: false, error: { message: "planted" } });
      const source = new Subject<number>();
      const giveUp = new AbortController();
      const fed = feed(system, source, ref, "take", { signal: giveUp.signal });
      giveUp.abort();
      expect(await fed).toMatchObject({ ok: false, offered: 0 });
      expect(source.observed).toBe(false);
      system.tell(ref).take(1);
      await idle();
      expect(
        await feed(
          system,
          source.pipe(() => of(1)),
          ref,
          "take",
        ),
      ).toMatchObject({
        ok: false,
        error: { _tag: "ActorStopped" },
      });
      expect(() => feed(system, of(1), ref, "take", { capacity: -1 })).toThrow("capacity: found");
    }));

  test(`of asks give the ask up when they are unsubscribed [A4 ${name}]`, () =>
    run(async ({ system, idle }) => {
      const log: string[] = [];
      const index = system.spawn(
        (self: Self) => ({
          async search(word: string) {
            self.signal.addEventListener("abort", () => log.push(`gave up ${word}`));
            await self.sleep(word.length === 1 ? 500 : 1);
            return word.length;
          },
        }),
        { concurrency: 10 },
      );
      const typed = new ReplaySubject<string>();
      const found = firstValueFrom(
        typed.pipe(
          switchMap((word) => asking(system, index).search(word)),
          toArray(),
        ),
      );
      expectTypeOf(asking(system, index).search("m")).toEqualTypeOf<Observable<number>>();
      const wait = system.spawn(clock);
      typed.next("m");
      await system.ask(wait).wait(1);
      typed.next("mug");
      typed.complete();
      expect(await found).toEqual([3]);
      await idle();
      expect(log).toEqual(["gave up m"]);
      await expect(firstValueFrom(asking(system, index, { within: 1 }).search("late"))).rejects.toMatchObject({
        _tag: "AskTimeout",
      });
    }));

  test(`inside of an actor come as turns, and what their observers throw is a crash [T2 ${name}]`, () =>
    run(async (kit) => {
      const { system, events, idle } = kit;
      const source = new Subject<number>();
      const log: string[] = [];
      const make = (self: Self) => {
        observeIn(self, source, {
          next: (n) => {
            if (n < 0) throw new Error("planted");
            log.push(`saw ${n}`);
          },
          complete: () => log.push("complete"),
        });
        return {
          ping: () => {},
          async busy() {
            log.push("busy");
            source.next(1);
            await self.sleep(2);
            log.push("free");
          },
        };
      };
      const ref = system.spawn(make);
      await system.ask(ref).busy();
      await idle();
      expect(log).toEqual(["busy", "free", "saw 1"]);
      source.next(-1);
      await until(kit, () => events.some(({ kind }) => kind === "crashed"));
      await system.ask(ref).ping();
      source.next(2);
      await until(kit, () => log.length > 3);
      expect(log.slice(3)).toEqual(["saw 2"]);
      expect(events.find(({ kind }) => kind === "crashed")).toMatchObject({ reason: { message: "planted" } });
      source.complete();
      await until(kit, () => log.length > 4);
      expect(log.slice(4)).toEqual(["complete"]);
    }));

  test("inside of an actor crash it when they fail unobserved, and are over when it unsubscribes", () =>
    run(async (kit) => {
      const { system, events } = kit;
      system.spawn(
        (self: Self) => {
          observeIn(
            self,
            throwError(() => new Error("planted")),
            { next: () => {} },
          );
          return {};
        },
        { name: "failing", supervision: { onCrash: "stop" } },
      );
      const log: unknown[] = [];
      system.spawn((self: Self) => {
        const subscription = observeIn(self, of(1, 2), {
          next: (n) => void log.push(n),
          error: (e) => void log.push(e),
        });
        subscription.unsubscribe();
        observeIn(
          self,
          throwError(() => "caught"),
          { next: () => {}, error: (error) => void log.push(error) },
        );
        const open = observeIn(self, new ReplaySubject<number>(), { next: (n) => void log.push(n) });
        open.unsubscribe();
        return {};
      });
      await until(kit, () => log.length === 3 && events.some(({ kind }) => kind === "crashed"));
      expect(events.find(({ kind }) => kind === "crashed")).toMatchObject({ path: "/failing", context: "pipe" });
      expect(log).toEqual([1, 2, "caught"]);
    }));

  test("take the time of an actor: turns, or the handler's own", () =>
    run(async (kit) => {
      const { system } = kit;
      let beats = 0;
      const ref = system.spawn((self: Self) => {
        interval(1, worldScheduler(self)).subscribe(() => void beats++);
        return {
          beats: () => beats,
          own: () => firstValueFrom(timer(2, worldScheduler(self, { by: "sleep" })).pipe(map(() => "waited"))),
        };
      });
      expect(await system.ask(ref).own()).toBe("waited");
      await until(kit, () => beats > 2);
      expect(await system.ask(ref).beats()).toBeGreaterThan(2);
    }));

  test("that throw in a scheduled task crash the actor, or are an event of the system", () =>
    run(async (kit) => {
      const { system, events } = kit;
      const bad = () => {
        throw new Error("planted");
      };
      for (const by of ["turn", "sleep"] as const)
        system.spawn(
          (self: Self) => {
            worldScheduler(self, { by }).schedule(bad, 1);
            return {};
          },
          { name: by, supervision: { onCrash: "stop" } },
        );
      worldScheduler(system).schedule(bad, 1);
      await until(kit, () => events.filter(({ kind }) => kind === "crashed" || kind === "unheard").length === 3);
      const crashes = events.flatMap((event) => (event.kind === "crashed" ? [event.path] : []));
      expect(crashes.sort()).toEqual(["/sleep", "/turn"]);
      expect(events.find(({ kind }) => kind === "unheard")).toMatchObject({
        path: "/",
        reason: { message: "planted" },
      });
    }));

  test("refuse what they can not use", () =>
    run(async ({ system }) => {
      expect(() => worldScheduler(system, { by: "turn" })).toThrow("by: found");
      expect(() => worldScheduler(system, { by: "now" as never })).toThrow("by: found");
      expect(() => stateful({} as never, () => 1)).toThrow("make: found");
      expect(() => stateful(() => ({}), 1 as never)).toThrow("view: found");
      expect(() =>
        system.spawn(
          stateful(
            () => ({ subscribe: () => {} }),
            () => 1,
          ) as never,
        ),
      ).toThrow("message subscribe");
    }));
});
