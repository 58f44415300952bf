import type { Self } from "antiphon";
import { simulate } from "antiphon/sim";
import { debounceTime, firstValueFrom, interval, map, Observable, of, retry, timeout, timer } from "rxjs";
import { describe, expect, test } from "vitest";
import { takeOver, worldScheduler } from "../../src/actors/rxjs/index.ts";

describe("observables in virtual time", () => {
  test("take hours in no time, equal for equal seeds [W1 sim]", async () => {
    const play = () =>
      simulate({ seed: 7, strict: true }, async ({ system, run }) => {
        const seen: string[] = [];
        const ref = system.spawn(
          (self: Self) => {
            const scheduler = worldScheduler(self);
            interval(3_600_000, scheduler)
              .pipe(
                map(() => self.random()),
                debounceTime(60_000, scheduler),
              )
              .subscribe((draw) => seen.push(`${self.now()} ${draw}`));
            return { seen: () => seen.length };
          },
          { name: "hourly" },
        );
        await run("26h");
        return [await system.ask(ref).seen(), ...seen];
      });
    const [one, two] = [await play(), await play()];
    expect(one.value[0]).toBe(25);
    expect(one.value[1]).toMatch(/^3660000 /);
    expect(two.trace.join("\n")).toBe(one.trace.join("\n"));
    expect(one.leaks).toEqual([]);
  });

  test("take operators without a scheduler along, when RxJS is taken over", async () => {
    const { value, events, leaks } = await simulate({ seed: 7, strict: true }, async ({ system, run }) => {
      const undo = takeOver(system);
      expect(() => takeOver(system)).toThrow("one at a time");
      let tries = 0;
      const flaky = new Observable<number>((subscriber) => {
        if (++tries < 4) subscriber.error(new Error("not yet"));
        else subscriber.next(tries);
      });
      const found = firstValueFrom(flaky.pipe(retry({ delay: () => timer(3_600_000) }), timeout(86_400_000)));
      const stopped = interval(1_000).subscribe();
      of(1).subscribe(() => {
        throw new Error("planted");
      });
      await run("4h");
      stopped.unsubscribe();
      const result = await found;
      undo();
      return [result, system.now()];
    });
    expect(value).toEqual([4, 4 * 3_600_000]);
    expect(events).toContainEqual(expect.objectContaining({ kind: "unheard", reason: new Error("planted") }));
    expect(leaks).toEqual([]);
  });
});
