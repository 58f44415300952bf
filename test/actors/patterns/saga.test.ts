import { type Ref, Refusal, type Self, type System } from "antiphon";
import { inspect, store } from "antiphon/broker";
import { type Saga, type SagaStep, saga } from "antiphon/patterns";
import { simulate } from "antiphon/sim";
import { assertExplored, explore } from "antiphon/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { everywhere, insist, type Play, supervision } from "./everywhere.ts";

class No extends Refusal {
  readonly _tag = "No";
}

/** What the services did, by the id of the call; it outlives everything. */
class Deeds {
  readonly knowsDuplicates: boolean;
  readonly done: string[] = [];
  readonly undone: string[] = [];
  /** Calls that fail so often before they do anything. */
  readonly failing: Map<string, number> = new Map();
  readonly refusing: Set<string> = new Set();

  constructor(knowsDuplicates = true) {
    this.knowsDuplicates = knowsDuplicates;
  }
}

/** A service that knows duplicates, and takes its time. */
const service = (deeds: Deeds) => (self: Self) => ({
  async act(id: string): Promise<string | No> {
    await self.sleep(1);
    if (deeds.refusing.has(id)) return new No(`no ${id}`);
    const left = deeds.failing.get(id) ?? 0;
    if (left > 0) {
      deeds.failing.set(id, left - 1);
      throw new Error("planted");
    }
    if (!deeds.knowsDuplicates || !deeds.done.includes(id)) deeds.done.push(id);
    await self.sleep(1);
    return `did ${id}`;
  },
  async undo(id: string): Promise<void> {
    await self.sleep(1);
    const left = deeds.failing.get(id) ?? 0;
    if (left > 0) {
      deeds.failing.set(id, left - 1);
      throw new Error("planted");
    }
    if (!deeds.undone.includes(id)) deeds.undone.push(id);
  },
});
type Service = ReturnType<ReturnType<typeof service>>;

const names = ["stock", "card", "parcel"] as const;
const steps = (to: Ref<Service>, attempts = 3): SagaStep<string>[] =>
  names.map((name) => ({
    name,
    attempts,
    act: (self, { id }) => self.ask(to).act(id),
    undo: (self, { id }) => self.ask(to).undo(id),
  }));

/** A saga is completed and nothing was taken back, or it is undone and all was that may have been done. */
async function look(deeds: Deeds, sagas: Ref<Saga<string>>, system: System, ids: readonly string[]) {
  for (const id of ids) {
    const report = await system.ask(sagas).look(id);
    const done = deeds.done.filter((one) => one.startsWith(`${id}/`));
    const undone = deeds.undone.filter((one) => one.startsWith(`${id}/`));
    if (report?.status === "completed") {
      expect(done).toEqual(names.map((name) => `${id}/${name}`));
      expect(undone).toEqual([]);
      expect(report.results).toEqual(Object.fromEntries(names.map((name) => [name, `did ${id}/${name}`])));
    } else {
      expect(report?.status).toBe("undone");
      expect(undone).toEqual(expect.arrayContaining(done.map((one) => `${one}/undo`)));
      expect(undone).toEqual([...undone].sort((a, b) => placeOf(b) - placeOf(a)));
    }
  }
}
const placeOf = (id: string) => names.findIndex((name) => id.includes(`/${name}/`));

const spawned = (system: System, deeds: Deeds, options: Parameters<typeof store>[0] = {}, keep?: "1s") => {
  const shared = system.spawn(store(options), { name: "store", supervision });
  const shop = system.spawn(service(deeds), { name: "shop", supervision });
  const made = saga(shared, steps(shop), { backoff: "5ms", lease: "1s", keep });
  return { shared, sagas: system.spawn(made, { name: "sagas", supervision }) };
};

describe("saga", () => {
  test("does its steps in order, or takes back those before the one that was refused", async () => {
    const deeds = new Deeds();
    deeds.refusing.add("b/card");
    await simulate({}, async ({ system, runUntilIdle }) => {
      const { sagas, shared } = spawned(system, deeds);
      for (const id of ["a", "b", "a"]) await system.ask(sagas).begin({ id, input: "mug" });
      await runUntilIdle();
      await look(deeds, sagas, system, ["a", "b"]);
      expect(deeds.done).toHaveLength(4);
      expect(deeds.undone).toEqual(["b/stock/undo"]);
      expect(await system.ask(sagas).look("b")).toMatchObject({ status: "undone", reason: "card: no b/card" });
      expect(await system.ask(sagas).look("c")).toBe(undefined);
      expect((await inspect(system, shared)).topics).toEqual([]);
    });
  });

  test("takes back a step that failed as well: it may have done its work", async () => {
    const deeds = new Deeds();
    deeds.failing.set("a/card", 2).set("b/card", 9).set("b/card/undo", 7);
    await simulate({}, async ({ system, runUntilIdle }) => {
      const { sagas } = spawned(system, deeds);
      for (const id of ["a", "b"]) await system.ask(sagas).begin({ id, input: "mug" });
      await runUntilIdle();
      await look(deeds, sagas, system, ["a", "b"]);
      expect(deeds.undone).toEqual(["b/card/undo", "b/stock/undo"]);
    });
  });

  test("leaves what can not be taken back to somebody, and goes on when it is told to", async () => {
    const deeds = new Deeds();
    deeds.refusing.add("a/parcel");
    deeds.failing.set("a/card/undo", 3);
    await simulate({}, async ({ system, runUntilIdle }) => {
      const shared = system.spawn(store());
      const shop = system.spawn(service(deeds), { supervision });
      const made = saga(shared, steps(shop), { backoff: "5ms", maxAttempts: 2 });
      const sagas = system.spawn(made);
      await system.ask(sagas).begin({ id: "a", input: "mug" });
      await runUntilIdle();
      expect(await system.ask(sagas).look("a")).toMatchObject({ status: "going back" });
      expect(await system.ask(sagas).retry()).toBe(1);
      await runUntilIdle();
      await look(deeds, sagas, system, ["a"]);
      expect(await system.ask(sagas).retry()).toBe(0);
    });
  });

  test("is forgotten some time after its end, or when it is told to, and not before its end", async () => {
    const deeds = new Deeds();
    await simulate({}, async ({ system, run }) => {
      const shared = system.spawn(store(), { name: "store" });
      const shop = system.spawn(service(deeds), { supervision });
      const sagas = system.spawn(saga(shared, steps(shop), { keep: "1h" }), { name: "sagas" });
      const begin = (id: string) => system.ask(sagas).begin({ id, input: "mug" });
      for (const id of ["a", "b"]) await begin(id);
      await system.ask(sagas).forget("a");
      expect(await system.ask(sagas).look("a")).toMatchObject({ status: "going on" });
      await run("1m");
      await system.ask(sagas).forget("a");
      expect(await system.ask(sagas).look("a")).toBe(undefined);
      expect(await system.ask(sagas).look("b")).toMatchObject({ status: "completed" });
      // Begun again it is another one, which its services know.
      await begin("a");
      await run("58m");
      expect(await system.ask(sagas).look("b")).toMatchObject({ status: "completed" });
      await run("2m");
      for (const id of ["a", "b"]) expect(await system.ask(sagas).look(id)).toBe(undefined);
      expect(deeds.done).toHaveLength(6);
    });
  });

  const play = (knowsDuplicates: boolean) => (): Play<ReturnType<typeof spawned>> => {
    const deeds = new Deeds(knowsDuplicates);
    deeds.refusing.add("b/parcel");
    deeds.failing.set("a/card", 1);
    return {
      boot: (system, options) => spawned(system, deeds, options),
      act: (world) =>
        Promise.all(
          ["a", "b"].map((id) => insist(world, () => world.system.ask(world.booted.sagas).begin({ id, input: "mug" }))),
        ),
      look: ({ system, booted }) => look(deeds, booted.sagas, system, ["a", "b"]),
    };
  };

  test("[C1 sim] ends completed or undone, whatever breaks after whichever event", async () => {
    const paths = ["/store", "/shop", "/sagas", "/sagas/worker", "/sagas/steps"];
    expect(await everywhere(paths, play(true))).toBeGreaterThan(200);
  }, 120_000);

  test("[C1 sim] is forgotten after that, whatever breaks", async () => {
    const make = (): Play<ReturnType<typeof spawned>> => {
      const deeds = new Deeds();
      return {
        boot: (system, options) => spawned(system, deeds, options, "1s"),
        act: (world) => insist(world, () => world.system.ask(world.booted.sagas).begin({ id: "a", input: "mug" })),
        async look({ system, booted }) {
          expect(deeds.done).toEqual(names.map((name) => `a/${name}`));
          expect(await system.ask(booted.sagas).look("a")).toBe(undefined);
        },
      };
    };
    expect(await everywhere(["/store", "/sagas", "/sagas/ended"], make)).toBeGreaterThan(100);
  }, 120_000);

  test("is caught with a service that does not know duplicates", async () => {
    await expect(everywhere(["/shop"], play(false))).rejects.toThrow(/broke after event/);
  }, 120_000);

  test("[C1 sim] does so in any order of events", async () => {
    const explored = explore(
      { refuses: fc.constantFrom("", "a/stock", "a/card", "a/parcel"), fails: fc.integer({ min: 0, max: 4 }) },
      async ({ system, runUntilIdle }, { refuses, fails }) => {
        const deeds = new Deeds();
        if (refuses !== "") deeds.refusing.add(refuses);
        deeds.failing.set("b/card", fails);
        const { sagas } = spawned(system, deeds);
        for (const id of ["a", "b"]) system.tell(sagas).begin({ id, input: "mug" });
        await runUntilIdle();
        await look(deeds, sagas, system, ["a", "b"]);
      },
      { schedules: 10, replays: 40, faults: { crash: ["/store", "/sagas/worker", "/shop"], most: 3 } },
    );
    await assertExplored(explored, { seed: 3, numRuns: 15 });
  }, 60_000);

  test("refuses steps that it could not tell apart, and none", () => {
    const step: SagaStep<string> = { name: "a", act: () => {} };
    expect(() => saga({} as never, [step, step])).toThrow(/steps: found "a, a"/);
    expect(() => saga({} as never, [])).toThrow(/at least one/);
    expect(() => saga({} as never, [{ ...step, attempts: 0 }])).toThrow(/attempts of a/);
  });
});
