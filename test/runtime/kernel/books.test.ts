// Two places where the books of a system are easy to get wrong.

import { createSystem, type Message, type Ref, receive, type Self, type System } from "antiphon";
import { describe, expect, test } from "vitest";
import { cellOf } from "../../../src/runtime/kernel/cell.ts";
import { audit } from "../../../src/runtime/kernel/census.ts";
import type { ActorSystem } from "../../../src/runtime/kernel/system.ts";

const books = (system: System) => audit((system as ActorSystem).core);

describe("the books", () => {
  test("[D3 live] balance in both systems when a message is forwarded from one to the other", async () => {
    const here = createSystem({ report: false });
    const there = createSystem({ report: false });
    const echo = there.spawn(() => ({ say: (word: string) => `${word}!` }));
    const door = here.spawn((_: Self) => ({
      [receive]: (m: Message<{ say(word: string): string }>) => m.forward(echo as Ref<unknown>),
    }));
    expect(await here.ask(door).say("hello")).toBe("hello!");
    here.tell(door).say("again");
    await here.stop({ drain: "1s" });
    await there.stop({ drain: "1s" });
    expect([books(here), books(there)]).toEqual([[], []]);
    expect(here.census()).toMatchObject({ sent: 2, accepted: 2, handled: 2 });
    expect(there.census()).toMatchObject({ sent: 2, accepted: 2, handled: 2 });
  });

  test("[D3 live] balance while a priority is computed, whatever the overflow", async () => {
    for (const overflow of ["turn-away", "drop-oldest", "drop-newest"] as const) {
      const system = createSystem({ report: false });
      const found: string[][] = [];
      const priority = () => {
        found.push(books(system));
        return 0;
      };
      const ref = system.spawn(() => ({ go() {} }), { mailbox: { capacity: 1, overflow, order: { priority } } });
      for (let i = 0; i < 4; i++) system.tell(ref).go();
      await system.ask(system.spawn(() => ({ end() {} }))).end();
      await system.stop();
      expect(found.length).toBeGreaterThan(1);
      expect(found.flat()).toEqual([]);
    }
  });
});

describe("the watchers of an actor", () => {
  test("[B1 live] do not add up over the restarts of one that watches it", async () => {
    const system = createSystem({ report: false });
    const watched = system.spawn(() => ({}));
    let ended = 0;
    const watcher = system.spawn(
      (self: Self) => {
        self.watch(watched, () => ended++);
        return {
          fail() {
            throw new Error("planted");
          },
        };
      },
      { supervision: { maxRestarts: 1_000 } },
    );
    for (let i = 0; i < 500; i++)
      await system
        .ask(watcher)
        .fail()
        .catch(() => {});
    expect(cellOf(watched).rareOf().watchers.length).toBeLessThanOrEqual(64);
    await system.stop();
    expect(ended).toBe(0);
  });
});
