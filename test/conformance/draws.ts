// W2: what the draws of an actor depend on.

import type { Self } from "antiphon";
import { describe, expect, test } from "vitest";
import { until } from "./until.ts";
import type { WorldUnderTest } from "./world.ts";

const drawer = (self: Self) => ({
  draw: () => [self.random(), self.random(), self.random()],
  keyed: (key: string | number) => self.random(key),
  crash() {
    throw new Error("crash");
  },
});

export function drawsConformance(world: WorldUnderTest): void {
  const { name } = world;
  /** Three draws of an actor `path`, after others have drawn and it crashed `crashes` times. */
  const draws = async (seed: number, path: string, others: number, crashes: number) => {
    let found: unknown;
    await world.run(
      async ({ system, idle }) => {
        for (let i = 0; i < others; i++) await system.ask(system.spawn(drawer)).draw();
        const ref = system.spawn(drawer, { name: path });
        for (let i = 0; i < crashes; i++) {
          await system.ask(ref).draw();
          await system.ask(ref).keyed("k");
          system.tell(ref).crash();
          await idle();
        }
        const keyed = [await system.ask(ref).keyed("k"), await system.ask(ref).keyed(5)];
        found = { stream: await system.ask(ref).draw(), keyed };
      },
      { seed },
    );
    return found as { stream: number[]; keyed: number[] };
  };

  describe("self.random", () => {
    test(`[W2 ${name}] gives a stream by seed, path and incarnation, whoever else draws`, async () => {
      const one = await draws(1, "one", 0, 0);
      expect(await draws(1, "one", 3, 0)).toEqual(one);
      expect((await draws(2, "one", 0, 0)).stream).not.toEqual(one.stream);
      expect((await draws(1, "two", 0, 0)).stream).not.toEqual(one.stream);
      const again = await draws(1, "one", 0, 2);
      expect(again.stream).not.toEqual(one.stream);
      expect(await draws(1, "one", 0, 2)).toEqual(again);
    });

    test(`[W2 ${name}] does not repeat itself when an actor is spawned again at the path of one that drew`, async () => {
      const thrice = async () => {
        const found: number[][] = [];
        await world.run(async ({ system }) => {
          for (let i = 0; i < 3; i++) {
            const ref = system.spawn((self: Self) => ({ ...drawer(self), end: () => self.stop() }), { name: "one" });
            found.push(await system.ask(ref).draw());
            system.tell(ref).end();
            await until(system, () => system.census(ref).actors === 0);
          }
        });
        return found;
      };
      const [first, second, third] = await thrice();
      expect([first, second, third]).toEqual(await thrice());
      expect(second).not.toEqual(first);
      expect(third).not.toEqual(second);
    });

    test(`[W2 ${name}] with a key depends on seed, path and key only: not on draws before, not on restarts`, async () => {
      const { keyed } = await draws(1, "one", 0, 0);
      expect((await draws(1, "one", 2, 2)).keyed).toEqual(keyed);
      expect((await draws(2, "one", 0, 0)).keyed).not.toEqual(keyed);
      expect((await draws(1, "two", 0, 0)).keyed).not.toEqual(keyed);
      expect(keyed[0]).not.toBe(keyed[1]);
    });
  });
}
