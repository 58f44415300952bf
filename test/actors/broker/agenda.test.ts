import fc from "fast-check";
import { expect, test } from "vitest";
import { Agenda } from "../../../src/actors/broker/agenda.ts";
import { Ring } from "../../../src/actors/broker/ring.ts";

test("an agenda gives what is due, the soonest first and equals in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const agenda = new Agenda<number>(() => false);
      times.forEach((at, i) => {
        agenda.put(at, i);
      });
      const taken = times.map(() => agenda.take());
      const sorted = times.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at || a.i - b.i);
      expect(taken).toEqual(sorted.map(({ i }) => i));
      expect(agenda.take()).toBeUndefined();
    }),
    { seed: 1 },
  );
});

test("[G10 sim] an agenda does not grow with what is void", () => {
  const over = new Set<number>();
  const agenda = new Agenda<number>((what) => over.has(what));
  for (let i = 0; i < 100_000; i++) {
    agenda.put(1_000_000 - i, i);
    if (i % 10 !== 0) over.add(i);
  }
  expect(agenda.length).toBeLessThan(30_000);
});

test("a ring is a list with two ends", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("push", "unshift", "shift", "peek")), (deeds) => {
      const ring = new Ring<number>();
      const list: number[] = [];
      deeds.forEach((deed, i) => {
        if (deed === "push" || deed === "unshift") {
          ring[deed](i);
          list[deed](i);
        } else if (deed === "shift") expect(ring.shift()).toBe(list.shift());
        else expect(ring.peek()).toBe(list[0]);
        expect([...ring]).toEqual(list);
        expect(ring.length).toBe(list.length);
      });
    }),
    { seed: 2 },
  );
});
