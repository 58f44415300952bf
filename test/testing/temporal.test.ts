import { InvalidOption, type Self, settle } from "antiphon";
import { drop, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { PropertyViolated, type Steps, type Temporal, temporal } from "../../src/testing/temporal.ts";

/** A run by hand: time, and a step at it. */
function byHand() {
  let nowMs = 0;
  const looks: (() => void)[] = [];
  const steps: Steps = { now: () => nowMs, onStep: (look) => void looks.push(look) };
  const hits = new Map<string, number>();
  const step = (atMs: number) => {
    nowMs = atMs;
    for (const look of looks) look();
  };
  return { ...temporal(steps, hits), hits, step, looks };
}

function violation(act: () => void): PropertyViolated {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(PropertyViolated);
    return error as PropertyViolated;
  }
  throw new Error("nothing was violated");
}

describe("always", () => {
  test("looks after each step, and throws after the first after which it does not hold", () => {
    const { always, step } = byHand();
    let sum = 0;
    always("no overdraft", () => sum >= 0);
    sum = -1;
    sum = 1;
    step(3);
    sum = -5;
    const error = violation(() => step(12));
    expect(error).toMatchObject({
      name: "PropertyViolated",
      _tag: "PropertyViolated",
      code: "PROPERTY_VIOLATED",
      operator: "always",
      property: "no overdraft",
      atMs: 12,
      message: 'always "no overdraft" does not hold at 12 ms.',
    });
    expect(error).not.toHaveProperty("cause");
  });

  test("says what is wrong, if the property does", () => {
    const { always, step } = byHand();
    let sum = 0;
    always("no overdraft", () => sum >= 0 || `the sum is ${sum}`);
    step(1);
    sum = -5;
    expect(violation(() => step(12)).message).toBe('always "no overdraft" does not hold at 12 ms: the sum is -5');
  });

  test("takes what gives nothing for what holds, and a throw for what is wrong", () => {
    const { always, step } = byHand();
    let sum = 0;
    always("no overdraft", () => {
      expect(sum).toBe(0);
    });
    step(1);
    sum = 1;
    const error = violation(() => step(2));
    expect(error.message).toMatch(/^always "no overdraft" does not hold at 2 ms: expected 1 to be \+?0/);
    expect(error.cause).toMatchObject({ name: "AssertionError" });
  });
});

describe("never", () => {
  test("throws after the first step after which it happens, with what happened if the property says it", () => {
    const leaders: string[] = [];
    const { never, step } = byHand();
    never("two leaders", () => leaders.length > 1 && leaders.join(" and "));
    leaders.push("/a");
    step(1);
    leaders.push("/b");
    const error = violation(() => step(2));
    expect(error).toMatchObject({ operator: "never", property: "two leaders", atMs: 2 });
    expect(error.message).toBe('never "two leaders" happens at 2 ms: /a and /b');
  });

  test("takes true for what happens and nothing for what does not, and lets no throw pass", () => {
    const { never, step } = byHand();
    let happens: () => boolean | void = () => {};
    never("it", () => happens());
    step(1);
    happens = () => true;
    expect(violation(() => step(2)).message).toBe('never "it" happens at 2 ms.');
    happens = () => {
      throw new TypeError("planted");
    };
    expect(violation(() => step(3))).toMatchObject({
      message: 'never "it" happens at 3 ms: planted',
      cause: expect.any(TypeError),
    });
  });
});

describe("sometimes", () => {
  test("counts a name once in a run, where it is reached or after a step after which it holds", () => {
    const hits = new Map<string, number>();
    for (let run = 1; run <= 3; run++) {
      let size = 0;
      const looks: (() => void)[] = [];
      const { sometimes } = temporal({ now: () => 0, onStep: (look) => looks.push(look) }, hits);
      sometimes("full", () => size > 2);
      sometimes("empty", () => size < 0);
      for (let step = 0; step < run + 1; step++) {
        size++;
        if (size === 3) sometimes("three");
        sometimes("reached");
        for (const look of looks) look();
      }
    }
    expect(Object.fromEntries(hits)).toEqual({ full: 2, empty: 0, three: 2, reached: 3 });
  });

  test("is not asked again once it has happened, and fails no run", () => {
    const { sometimes, step, end, hits } = byHand();
    let asked = 0;
    sometimes("second", () => ++asked === 2);
    expect(hits.get("second")).toBe(0);
    for (let at = 0; at < 5; at++) step(at);
    end();
    expect(asked).toBe(2);
    expect(hits.get("second")).toBe(1);
  });
});

describe("leadsTo", () => {
  function asked(more: Partial<Parameters<Temporal["leadsTo"]>[1]> = {}) {
    const state = { asked: false, answered: false, calm: false };
    const run = byHand();
    run.leadsTo("asked is answered", {
      when: () => state.asked,
      then: () => state.answered,
      within: "5s",
      ...more,
    });
    const step = (atMs: number, change: Partial<typeof state> = {}) => {
      Object.assign(state, change);
      run.step(atMs);
    };
    return { ...run, step, state };
  }

  test("accepts what follows in time, at the last moment, at once, and what is never asked for", () => {
    const { step, end } = asked();
    step(0);
    step(1_000, { asked: true });
    step(2_000, { asked: false });
    step(6_000, { answered: true });
    step(90_000, { answered: false });
    step(95_000, { asked: true, answered: true });
    step(99_000, { asked: false, answered: false });
    end();
  });

  test("throws after the first step at which it is open for longer, also if that closes it", () => {
    for (const answered of [false, true]) {
      const { step } = asked();
      step(1_000, { asked: true });
      step(6_000, { asked: false });
      const error = violation(() => step(6_001, { answered }));
      expect(error).toMatchObject({ operator: "leadsTo", property: "asked is answered", atMs: 6_001 });
      expect(error.message).toBe(
        'leadsTo "asked is answered" is late at 6001 ms: open since 1000 ms, allowed are 5 s.',
      );
    }
  });

  test("counts anew from the next time it is asked for", () => {
    const { step, end } = asked();
    step(0, { asked: true });
    step(5_000, { answered: true });
    step(5_001, { answered: false });
    step(10_001);
    expect(violation(() => step(10_002)).message).toContain("open since 5001 ms");
    expect(violation(end).message).toContain("is open at the end");
  });

  test("counts from the moment on at which the run is calm, if that is later, once and for all", () => {
    const never = asked({ after: () => false });
    never.step(0, { asked: true });
    never.step(3_600_000);
    expect(violation(never.end).message).toContain("is open at the end, at 3600000 ms");
    const { step: late, state } = asked({ after: () => state.calm });
    late(0, { asked: true });
    late(60_000, { calm: true });
    late(61_000, { calm: false });
    late(65_000);
    expect(violation(() => late(65_001)).message).toBe(
      'leadsTo "asked is answered" is late at 65001 ms: open since 0 ms, allowed are 5 s from 60000 ms on.',
    );
    const { step: early, state: other } = asked({ after: () => other.calm });
    early(0, { calm: true });
    early(1_000, { asked: true });
    early(6_000);
    expect(violation(() => early(6_001)).message).toMatch(/open since 1000 ms, allowed are 5 s\.$/);
  });

  test("throws at the end for what is open, however short, and looks once more whether it is", () => {
    const { step, end, state } = asked();
    step(0, { asked: true });
    const error = violation(end);
    expect(error).toMatchObject({ operator: "leadsTo", property: "asked is answered", atMs: 0 });
    expect(error.message).toBe('leadsTo "asked is answered" is open at the end, at 0 ms: open since 0 ms.');
    state.answered = true;
    end();
  });

  test("may be without end, and takes no other limit than a duration", () => {
    const { step, end } = asked({ within: Number.POSITIVE_INFINITY });
    step(0, { asked: true });
    step(1e12, { answered: true });
    end();
    expect(() => asked({ within: "soon" as "1s" })).toThrow(InvalidOption);
  });
});

describe("temporal", () => {
  test("asks for one look of a run, and for none without a property", () => {
    const { always, never, sometimes, looks, step } = byHand();
    sometimes("reached");
    expect(looks).toHaveLength(0);
    const order: string[] = [];
    always("a", () => void order.push("a"));
    never("b", () => void order.push("b"));
    expect(looks).toHaveLength(1);
    step(1);
    expect(order).toEqual(["a", "b"]);
  });

  test("takes properties that are declared while it looks", () => {
    const { always, step } = byHand();
    let [declared, looks] = [false, 0];
    always("first", () => {
      if (declared) return;
      declared = true;
      always("second", () => void looks++);
    });
    step(1);
    step(2);
    expect(looks).toBe(2);
  });

  /** An account of 10 from which two clients draw 6 each, after they have looked. */
  async function drawn(isCareful: boolean, seed = 1) {
    const hits = new Map<string, number>();
    const run = await simulate({ seed, faults: [drop("/ann>/account", { share: 0.3 })] }, async (world) => {
      let [sum, asked, answered] = [10, 0, 0];
      const account = world.system.spawn(
        () => ({
          sum: () => sum,
          draw(by: number) {
            if (!isCareful || sum >= by) sum -= by;
          },
        }),
        { name: "account" },
      );
      const client = (self: Self) => ({
        async draw(by: number) {
          asked++;
          for (let isDone = false; !isDone; ) {
            const ask = self.ask(account, { within: "1s" });
            const seen = await settle(ask.sum());
            isDone = seen.ok && (seen.value < by || (await settle(ask.draw(by))).ok);
          }
          answered++;
        },
      });
      const looks: (() => void)[] = [];
      const steps = { now: world.now, onStep: (look: () => void) => void looks.push(look) };
      const { always, sometimes, leadsTo, end } = temporal(steps, hits);
      always("no overdraft", () => sum >= 0 || `the sum is ${sum}`);
      sometimes("drawn", () => sum < 10);
      sometimes("rich", () => sum > 10);
      leadsTo("asked is answered", { when: () => asked > answered, then: () => asked === answered, within: "1m" });
      for (const name of ["ann", "bob"]) world.system.tell(world.system.spawn(client, { name })).draw(6);
      while (await world.step()) for (const look of looks) look();
      end();
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    return { error: run, hits: Object.fromEntries(hits) };
  }

  test("judges a simulated run, step by step", async () => {
    const seeds = Array.from({ length: 20 }, (_, at) => at + 1);
    for (const seed of seeds)
      expect(await drawn(true, seed)).toEqual({ error: undefined, hits: { drawn: 1, rich: 0 } });
    const errors = await Promise.all(seeds.map((seed) => drawn(false, seed).then(({ error }) => error)));
    const found = errors.find((error) => error !== undefined);
    expect(found).toBeInstanceOf(PropertyViolated);
    expect(String(found)).toMatch(/^PropertyViolated: always "no overdraft" does not hold at \d+ ms: the sum is -2$/);
  });
});
