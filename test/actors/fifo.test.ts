import fc from "fast-check";
import { expect, test } from "vitest";
import { Fifo } from "../../src/actors/fifo.ts";

test("a fifo does what a list does", () => {
  const step = fc.oneof(
    fc.record({ how: fc.constant("push" as const), times: fc.integer({ min: 1, max: 200 }) }),
    fc.record({ how: fc.constantFrom("shift" as const, "take" as const, "drain" as const), times: fc.nat(150) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const fifo = new Fifo<number>();
      let list: number[] = [];
      let next = 0;
      for (const { how, times } of steps) {
        for (let n = 0; n < times && how !== "drain"; n++) {
          if (how === "push") {
            list.push(next);
            fifo.push(next++);
          } else if (how === "shift") expect(fifo.shift()).toBe(list.shift());
          else {
            const third = (item: number) => item % 3 === 0;
            const found = list.find(third);
            list = list.filter((item) => item !== found);
            expect(fifo.take(third)).toBe(found);
          }
          expect([fifo.length, fifo.first]).toEqual([list.length, list[0]]);
        }
        if (how === "drain") expect(fifo.drain()).toEqual(list.splice(0));
      }
    }),
    { seed: 7 },
  );
});
