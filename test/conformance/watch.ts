// How one learns of the end of another.

import type { Ref, Self, SpawnOptions } from "antiphon";
import { describe, expect, test } from "vitest";
import { type Diary, endOf, endText, pass } from "./trouble.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

type Supervision = NonNullable<SpawnOptions["supervision"]>;

export function watchConformance(world: WorldUnderTest): void {
  interface Watched {
    stop(): void;
    fail(): void;
    ok(): boolean;
  }
  const watched = (self: Self): Watched => ({
    stop: () => self.stop(),
    fail() {
      throw new Error("boom");
    },
    ok: () => true,
  });
  const endings: Record<
    string,
    { supervision?: Supervision; end: (kit: Kit, ref: Ref<Watched>) => void; how: string }
  > = {
    "stops itself": { end: ({ system }, ref) => system.tell(ref).stop(), how: "stopped" },
    "fails for good": {
      supervision: { onCrash: "stop" },
      end: ({ system }, ref) => system.tell(ref).fail(),
      how: "failed: boom",
    },
    "uses up its restarts": {
      supervision: { maxRestarts: 1, within: "1h" },
      end: ({ system }, ref) => {
        system.tell(ref).fail();
        system.tell(ref).fail();
      },
      how: "failed: boom",
    },
    "restarts and then stops": {
      end: ({ system }, ref) => {
        system.tell(ref).fail();
        system.tell(ref).stop();
      },
      how: "stopped",
    },
  };
  describe("a watch", () => {
    for (const [name, { supervision, end, how }] of Object.entries(endings))
      for (const first of ["the watch", "the end"] as const)
        test(`[F5 ${world.name}] fires once for an actor that ${name}, ${first} being first`, () =>
          world.run(async (kit) => {
            const { system } = kit;
            const diary: Diary = [];
            const ref = system.spawn(watched, supervision === undefined ? {} : { supervision });
            if (first === "the end") {
              end(kit, ref);
              await until(system, () => system.census(ref).actors === 0);
            }
            const watcher = system.spawn((self: Self) => ({
              watch: () => self.watch(ref, (ended) => void diary.push(endText(ended))),
            }));
            await system.ask(watcher).watch();
            if (first === "the watch") end(kit, ref);
            await until(system, () => diary.length > 0);
            await pass(system, 3);
            expect(diary).toEqual([how]);
            // Each watch for itself: another one fires as well, the first does not fire again.
            await system.ask(watcher).watch();
            await until(system, () => diary.length > 1);
            await pass(system, 3);
            expect(diary).toEqual([how, how]);
          }));

    test(`[F5 ${world.name}] does not fire at a restart`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const ref = system.spawn(watched);
        system.spawn((self: Self) => {
          self.watch(ref, () => void diary.push("ended"));
          return {};
        });
        system.tell(ref).fail();
        await system.ask(ref).ok();
        await pass(system, 3);
        expect(diary).toEqual([]);
      }));

    test(`[F5 ${world.name}] of a child that its parent takes along says stopped, with the cause`, () =>
      world.run(async ({ system }) => {
        const parent = system.spawn((self: Self) => {
          const child = self.spawn(watched);
          return { child: () => child, fail: () => Promise.reject(new Error("boom")) };
        });
        const end = endOf(system, await system.ask(parent).child());
        system.tell(parent).fail();
        expect(await end).toMatch(/^stopped/);
      }));

    test(`[F5 ${world.name}] of a watcher that restarted is gone; the one its factory sets fires once`, () =>
      world.run(async ({ system }) => {
        const diary: Diary = [];
        const ref = system.spawn(watched);
        let run = 0;
        const watcher = system.spawn((self: Self) => {
          const mine = ++run;
          if (mine === 2) self.watch(ref, () => void diary.push(`factory ${mine}`));
          return {
            watch: () => self.watch(ref, () => void diary.push(`handler ${mine}`)),
            fail: () => Promise.reject(new Error("boom")),
          };
        });
        await system.ask(watcher).watch();
        await verdict(system.ask(watcher).fail());
        await system.ask(watcher).watch();
        system.tell(ref).stop();
        await until(system, () => diary.length > 1);
        await pass(system, 3);
        expect(diary).toEqual(["factory 2", "handler 2"]);
      }));
  });
}
