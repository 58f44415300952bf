import { InvalidOption, type Ref, type Self, type System, settle } from "antiphon";
import { crash, down, drop, type Fault, partition, pause, powerFailure, type SimulatedWorld } from "antiphon/sim";
import { type Disturbed, isolated } from "antiphon/testing";
import { describe, expect, test } from "vitest";

interface Hearer {
  hear(beat: number): void;
}

/** Tells a hearer every 10 ms how often it has. */
function heart(to: Ref<Hearer>, told: () => number) {
  return (self: Self) => {
    let beats = 0;
    self.every(10, () => self.tell(to).hear(++beats + told()));
    return { skip: () => void beats++ };
  };
}

/** A heart and who hears it, of a name. */
function pair(system: System, name: string, told = () => 0): Ref<{ skip(): void }> {
  const ear = system.spawn((): Hearer => ({ hear: () => {} }), { name: `${name}-ear` });
  return system.spawn(heart(ear, told), { name });
}

/** Two pairs that know nothing of each other. */
const two = async ({ system, run }: SimulatedWorld) => {
  pair(system, "left");
  pair(system, "right");
  await run(100);
};

const at30 = crash("/left", { at: 30 });

async function disturbed(body: (world: SimulatedWorld) => unknown, fault: Fault): Promise<readonly Disturbed[]> {
  const found = await isolated({}, body, [fault]);
  if (found.ok) throw new Error(found.text);
  return found.disturbed;
}

describe("isolated", () => {
  test("holds for actors that a crash can not reach, and says how many there are", async () => {
    expect(await isolated({}, two, [at30])).toEqual({
      ok: true,
      text: "2 actors are as without the faults; 2 can be reached by them.",
    });
    expect(await isolated({}, two, [])).toMatchObject({ text: expect.stringMatching(/^4 actors/) });
  });

  test("names an actor that shares state with one that crashed, with the first event that differs", async () => {
    let shared = 0;
    const body = async ({ system, run }: SimulatedWorld) => {
      shared = 0;
      const ear = system.spawn((): Hearer => ({ hear: () => {} }), { name: "left-ear" });
      const left = (self: Self) => {
        shared = 0;
        return heart(ear, () => shared++)(self);
      };
      system.spawn(left, { name: "left" });
      pair(system, "right", () => shared);
      await run(60);
    };
    const [first, ...more] = await disturbed(body, at30);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ path: "/right-ear" });
    expect(first!.with).toMatch(/^\/right>\/right-ear:hear#3 at 30 ms /);
    expect(first!.without).toMatch(/^\/right>\/right-ear:hear#3 at 30 ms /);
    expect(first!.with).not.toBe(first!.without);
    const found = await isolated({}, body, [at30]);
    expect(found.text).toBe(
      `Actors that the faults can not reach are not as without them:\n  /right-ear: ${first!.with}, and without the faults ${first!.without}`,
    );
  });

  test("holds where a message that was never started had taken the place of another one", async () => {
    const body = async ({ system, run }: SimulatedWorld) => {
      const slow = (self: Self) => ({ hear: () => self.sleep(100) });
      const full = system.spawn(slow, { name: "full", mailbox: { capacity: 1, overflow: "drop-oldest" } });
      let starts = 0;
      const left = (self: Self) => {
        if (++starts === 2) self.pipeToSelf(settle(self.ask(full, { within: 20 }).hear()), () => {});
        return {};
      };
      const right = (self: Self) => {
        for (const at of [10, 20]) self.after(at, () => self.tell(full).hear());
        return {};
      };
      system.spawn(left, { name: "left" });
      system.spawn(right, { name: "right" });
      await run(300);
    };
    expect(await isolated({}, body, [at30])).toMatchObject({ ok: true });
  });

  test("sees another answer, also where nothing comes of it", async () => {
    let shared = 0;
    const body = async ({ system, run }: SimulatedWorld) => {
      shared = 1;
      pair(system, "left", () => (shared = 0));
      const oracle = system.spawn(() => ({ ask: () => shared }), { name: "oracle" });
      const asker = (self: Self) => {
        self.every(10, () => void self.ask(oracle).ask());
        return {};
      };
      system.spawn(asker, { name: "asker" });
      await run(60);
    };
    // Who crashes before its first beat leaves what is shared as it is.
    const found = await disturbed(body, pause("/left", { to: 1_000 }));
    expect(found.map(({ path }) => path)).toEqual(["/asker"]);
    expect(found[0]!.with).toMatch(/^\/oracle~>\/asker:ask#1 at 10 ms /);
  });

  test("sees what does not come any more, and what comes besides", async () => {
    const body = (isLess: boolean) => async (world: SimulatedWorld) => {
      let isUp = isLess;
      pair(world.system, "left", () => {
        isUp = !isLess;
        return 0;
      });
      const ear = world.system.spawn((): Hearer => ({ hear: () => {} }), { name: "ear" });
      const moody = (self: Self) => {
        self.every(10, () => {
          if (isUp) self.tell(ear).hear(1);
        });
        return {};
      };
      world.system.spawn(moody, { name: "moody" });
      await world.run(15);
    };
    const paused = pause("/left", { to: 1_000 });
    const hear = expect.stringMatching(/^\/moody>\/ear:hear#1 at 10 ms /);
    expect(await disturbed(body(true), paused)).toEqual([{ path: "/ear", with: hear, without: undefined }]);
    expect(await disturbed(body(false), paused)).toEqual([{ path: "/ear", with: undefined, without: hear }]);
    const { text } = await isolated({}, body(false), [paused]);
    expect(text).toContain("/ear: nothing more, and without the faults /moody>/ear:hear#1");
  });

  test("lets those differ to whom messages lead from there, however far, and not what was before", async () => {
    const chain = (system: System, name: string) => {
      const last = system.spawn((): Hearer => ({ hear: () => {} }), { name: `${name}-last` });
      const next = (self: Self): Hearer => ({ hear: (beat) => self.tell(last).hear(beat) });
      const to = system.spawn(next, { name: `${name}-next` });
      system.spawn(
        heart(to, () => 0),
        { name },
      );
    };
    const body = async ({ system, run }: SimulatedWorld) => {
      chain(system, "left");
      chain(system, "right");
      await run(60);
    };
    expect(await isolated({}, body, [at30])).toEqual({
      ok: true,
      text: "3 actors are as without the faults; 3 can be reached by them.",
    });
  });

  test("counts siblings that are restarted as well as reached, and those of one-for-one as not", async () => {
    const family = (strategy: "one-for-all" | "one-for-one") => async (world: SimulatedWorld) => {
      const parent = (self: Self) => {
        for (const name of ["one", "two"]) {
          let beats = 0;
          self.spawn(
            (child) => {
              child.every(10, () => void beats++);
              return {};
            },
            { name },
          );
        }
        return {};
      };
      world.system.spawn(parent, { name: "family", children: { strategy } });
      await world.run(60);
    };
    const fault = crash("/family/one", { at: 30 });
    const reached = async (strategy: "one-for-all" | "one-for-one") =>
      (await isolated({}, family(strategy), [fault])).text;
    expect(await reached("one-for-all")).toMatch(/^0 actors /);
    expect(await reached("one-for-one")).toMatch(/^1 actors /);
  });

  test("takes both ends of a link for reached, and of a partition both sides", async () => {
    const text = "2 actors are as without the faults; 2 can be reached by them.";
    expect(await isolated({}, two, [drop("/left>/left-ear", { from: 30, first: 1 })])).toEqual({ ok: true, text });
    expect(await isolated({}, two, [partition(["/left"], ["/left-ear"], { from: 30 })])).toEqual({ ok: true, text });
    expect(await isolated({}, two, [down("/left-ear", { from: 30, to: 50 })])).toMatchObject({ ok: true });
  });

  test("has nothing to say of a power failure, which reaches everybody", async () => {
    const found = await isolated({}, two, [powerFailure({ at: 30 })]);
    expect(found.text).toMatch(/^0 actors /);
  });

  test("lets those differ to whom messages lead that take time", async () => {
    const latency = { "/left>*": 3, "/right>*": 3 };
    expect(await isolated({ latency, seed: 7, isolation: "share" }, two, [at30])).toEqual({
      ok: true,
      text: "2 actors are as without the faults; 2 can be reached by them.",
    });
  });
  test("holds for what timers do, and the body does, after a fault that is none of theirs", async () => {
    const { text } = await isolated({}, two, [crash("/left", { at: 35 })]);
    expect(text).toBe("2 actors are as without the faults; 2 can be reached by them.");
    const later = async ({ system, run }: SimulatedWorld) => {
      pair(system, "left");
      const ear = system.spawn((): Hearer => ({ hear: () => {} }), { name: "ear" });
      await run(50);
      system.tell(ear).hear(1);
      await run(50);
    };
    expect((await isolated({}, later, [at30])).text).toMatch(/^1 actors/);
  });

  test("fails as the body does without the faults; with them it may", async () => {
    const body = (isRight: boolean) => async (world: SimulatedWorld) => {
      let beats = 0;
      pair(world.system, "left", () => beats++);
      await world.run(55);
      if ((beats === 5) !== isRight) throw new RangeError(`${beats} beats`);
    };
    await expect(isolated({}, body(false), [at30])).rejects.toBeInstanceOf(RangeError);
    expect(await isolated({}, body(true), [pause("/left", { to: 40 })])).toMatchObject({ ok: true });
  });

  test("refuses faults and options that are none", async () => {
    await expect(isolated({}, two, [{ kind: "crash", target: "/left" } as never])).rejects.toBeInstanceOf(
      InvalidOption,
    );
    await expect(isolated({ seed: 0.5 }, two, [at30])).rejects.toBeInstanceOf(InvalidOption);
    await expect(isolated({ latency: { left: 1 } }, two, [at30])).rejects.toBeInstanceOf(InvalidOption);
  });
});
