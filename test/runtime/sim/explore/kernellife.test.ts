// The runtime under its own instrument: crashes, restarts, ends and timers of small systems, in every order.

import type { Ref, Self } from "antiphon";
import { restart } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { verdict } from "../../../conformance/verdict.ts";
import { does, Ends, everyOrder, planted, server } from "./everyorder.ts";

describe("in every order", () => {
  test("[F2 sim] [D2 sim] [D3 sim] a crash starts the actor afresh: what waits is kept, what crashed is not repeated, timers and children go", async () => {
    const found = await everyOrder(async (world) => {
      /** What each incarnation did. */
      const runs: string[][] = [];
      const gone: string[] = [];
      const worker = (self: Self) => {
        const run = runs.push([]);
        const log = (text: string) => void runs.at(-1)?.push(text);
        for (const name of ["x", "y"]) self.spawn(() => ({ [Symbol.dispose]: () => void gone.push(name) }), { name });
        self.after(1, () => log(`timer of ${run}`));
        let count = 0;
        return {
          work(what: string) {
            log(`${what} ${++count}`);
            if (what === "boom") planted();
          },
        };
      };
      const to = world.system.spawn(worker, { name: "worker" });
      does(world, "a", (self) => {
        for (const what of ["m", "boom", "n"]) self.tell(to).work(what);
      });
      does(world, "b", (self) => self.tell(to).work("o"));
      await world.runUntilIdle();
      const [before = [], after = []] = runs;
      expect([runs.length, gone]).toEqual([2, ["y", "x"]]);
      const did = (list: string[]) => list.filter((text) => !text.startsWith("timer"));
      expect(before.at(-1)).toMatch(/^boom/);
      for (const list of [before, after])
        did(list).forEach((text, i) => void expect(text.split(" ")[1]).toBe(`${i + 1}`));
      const all = [...did(before), ...did(after)].map((text) => text.split(" ")[0]);
      expect(all.toSorted()).toEqual(["boom", "m", "n", "o"]);
      expect(after.filter((text) => text.startsWith("timer"))).toEqual(["timer of 2"]);
      return runs.map((list) => list.join(", ")).join(" / ");
    });
    expect(found).toMatchObject({ orders: "complete, 52 traces of 34 orders", missed: [] });
    expect(found.outcomes).toHaveLength(34);
  });

  test("[F3 sim] [D2 sim] a restart at any moment has what the former incarnation waits for reject once, and what it does then is inert", async () => {
    const found = await everyOrder(
      async (world) => {
        const { system } = world;
        const [heard, seen, ends] = [[] as string[], [] as string[], new Ends()];
        let runs = 0;
        const echo = system.spawn(() => ({ back() {}, note: (text: string) => void heard.push(text) }), {
          name: "echo",
        });
        const worker = (self: Self) => {
          const run = ++runs;
          return {
            async work() {
              seen.push(`${run} starts`);
              try {
                seen.push(`${run} ${await verdict(self.ask(echo).back())}`);
              } finally {
                self.tell(echo).note(`from ${run}`);
              }
            },
          };
        };
        const to = system.spawn(worker, { name: "worker" });
        does(world, "a", (self) => ends.of("a", self.ask(to).work()));
        await world.runUntilIdle();
        const isFenced = seen.includes("1 Stopped, unknown");
        expect(runs).toBe(2);
        expect(heard).toHaveLength(isFenced ? 0 : 1);
        expect(system.census()).toMatchObject({ inert: isFenced ? 1 : 0 });
        return `${seen.join(", ")}; ${ends.text}`;
      },
      { faults: [restart("/worker", { at: 0 })] },
    );
    expect(found.outcomes).toEqual([
      "1 starts, 1 Stopped, unknown; a ActorRestarted, unknown",
      "1 starts, 1 ok; a ok",
      "2 starts, 2 ok; a ok",
    ]);
    expect(found).toMatchObject({ orders: "complete, 8 traces of 3 orders", missed: [] });
  });

  test("[A1 sim] [F3 sim] the ask of an actor that its crashing parent takes along settles once, and is withdrawn if it waits", async () => {
    const found = await everyOrder(async (world) => {
      const { system } = world;
      const [log, ends] = [[] as string[], new Ends()];
      const to = system.spawn(server(log), { name: "server" });
      const parent = system.spawn(
        (self: Self) => {
          const kid = self.spawn(
            (inner: Self) => ({ go: async () => void (await ends.of("kid", inner.ask(to).get())) }),
            { name: "kid" },
          );
          return { go: () => self.tell(kid).go(), fail: planted };
        },
        { name: "parent" },
      );
      does(world, "a", (self) => self.tell(parent).go());
      does(world, "b", (self) => self.tell(parent).fail());
      await world.runUntilIdle();
      return `${log.join(", ")}; ${ends.text}`;
    });
    expect(found.outcomes).toEqual([
      "; ",
      "; kid Stopped, unknown",
      "start parent/kid, abort parent/kid, end parent/kid; kid Stopped, unknown",
      "start parent/kid, end parent/kid; kid Stopped, unknown",
      "start parent/kid, end parent/kid; kid ok",
    ]);
    expect(found).toMatchObject({ orders: "complete, 8 traces of 6 orders", missed: [] });
  });

  test("[T3 sim] [T2 sim] a timer that was cancelled or replaced never fires, whenever it was due", async () => {
    const found = await everyOrder(async (world) => {
      const log: string[] = [];
      const owner = world.system.spawn(
        (self: Self) => {
          const arm = (text: string) => self.after(1, () => log.push(text), "timer");
          let timer = arm("first");
          return {
            cancel() {
              timer.cancel();
              log.push("cancel");
            },
            replace() {
              timer = arm("second");
              log.push("replace");
            },
          };
        },
        { name: "owner" },
      );
      does(world, "a", (self) => self.tell(owner).cancel());
      does(world, "b", (self) => self.tell(owner).replace());
      await world.runUntilIdle();
      return log.join(" ");
    });
    expect(found.outcomes).toEqual([
      "cancel replace second",
      "first cancel replace second",
      "first replace cancel",
      "first replace second cancel",
      "replace cancel",
      "replace second cancel",
    ]);
    expect(found).toMatchObject({ orders: "complete, 6 traces of 6 orders", missed: [] });
  });

  test("[F5 sim] a watch fires exactly once, whether the end comes before or after it", async () => {
    const found = await everyOrder(async (world) => {
      const { system } = world;
      const fired = new Map<string, string[]>();
      const mortal = system.spawn(server(), { name: "mortal", supervision: { maxRestarts: 0 } });
      for (const name of ["a", "b"]) {
        const list: string[] = [];
        fired.set(name, list);
        does(world, name, (self) => self.watch(mortal, ({ reason }) => void list.push(reason)));
      }
      does(world, "c", (self) => self.tell(mortal).stop());
      does(world, "d", (self) => self.tell(mortal).fail());
      await world.runUntilIdle();
      return [...fired].map(([name, list]) => `${name} ${list.join()}`).join("; ");
    });
    expect(found.outcomes).toEqual(["a failed; b failed", "a stopped; b stopped"]);
    expect(found).toMatchObject({ orders: "complete, 4 traces of 2 orders", missed: [] });
  });

  test("[F6 sim] [F2 sim] siblings that restart together stop last to first and start first to last, whatever they are at", async () => {
    interface Kid {
      work(): void;
      fail(): void;
    }
    const found = await everyOrder(async (world) => {
      const kids: Ref<Kid>[] = [];
      const log: string[] = [];
      const did = new Map<string, string[]>();
      const kid = (name: string) => () => {
        log.push(`+${name}`);
        const list = did.get(name) ?? [];
        did.set(name, list);
        let count = 0;
        return {
          work: () => void list.push(`${++count}`),
          fail: planted,
          [Symbol.dispose]: () => void log.push(`-${name}`),
        };
      };
      world.system.spawn(
        (self: Self) => {
          for (const name of ["x", "y"]) kids.push(self.spawn(kid(name), { name }));
          return {};
        },
        { name: "parent", children: { strategy: "one-for-all" } },
      );
      does(world, "a", (self) => {
        self.tell(kids[0]!).work();
        self.tell(kids[0]!).fail();
      });
      does(world, "b", (self) => {
        for (let i = 0; i < 2; i++) self.tell(kids[1]!).work();
      });
      await world.runUntilIdle();
      expect(log).toEqual(["+x", "+y", "-y", "-x", "+x", "+y"]);
      return [...did].map(([name, list]) => `${name} ${list.join()}`).join("; ");
    });
    expect(found.outcomes).toEqual(["x 1; y 1,1", "x 1; y 1,2"]);
    expect(found).toMatchObject({ orders: "complete, 4 traces of 1 orders", missed: [] });
  });

  test("[S1 sim] [A2 sim] a system that drains stops children first, and says what it left, whenever its limit comes", async () => {
    const found = await everyOrder(async (world) => {
      const { system } = world;
      const ends = new Ends();
      const to = system.spawn(server(), { name: "server" });
      does(world, "a", (self) => ends.of("a", self.ask(to).get()));
      const { left } = await system.stop({ drain: "1s" });
      // An answer to who has stopped may still be under way.
      await world.runUntilIdle();
      expect(system.census()).toMatchObject({ actors: 0, waitingForRoom: 0 });
      return `${ends.text}; left ${left.map(({ path, type }) => `${path}:${type}`).join()}`;
    });
    expect(found.outcomes).toEqual([
      "; left /a:go",
      "a Stopped, unknown; left /a:go",
      "a Stopped, unknown; left /a:go,/server:get",
      "a ok; left ",
    ]);
    expect(found).toMatchObject({ orders: "complete, 7 traces of 7 orders", missed: [] });
  });
});
