// Every option: its default, what is legal, and that each bad value is refused by name. The table must name every
// option that is known.

import { createSystem, InvalidOption, type SpawnOptions, type System } from "antiphon";
import { afterAll, describe, expect, test } from "vitest";
import { backoffMs, configure, defaults } from "../../../src/runtime/kernel/options.ts";

const durations = {
  good: [0, 1.5, Number.POSITIVE_INFINITY, "0ms", "1.5s", "2m", "1h"],
  bad: [-1, Number.NaN, null, "", "5", "5 s", "-5s", "5 years", "1e3ms", true, {}, []],
};
const wholes = { good: [1, 7, Number.POSITIVE_INFINITY], bad: [-1, 0.5, Number.NaN, null, "3", {}, true] };

/** By path: the field of the config with its default, what is taken and what is not. */
const table: Record<string, { field: keyof typeof defaults; otherwise: unknown; good: unknown[]; bad: unknown[] }> = {
  messages: {
    field: "messages",
    otherwise: undefined,
    good: [[], ["pay", "with space"]],
    bad: ["pay", null, 5, ["then"], ["_hidden"], ["toString"], ["constructor"], [1], [Symbol("s")]],
  },
  concurrency: { field: "concurrency", otherwise: 1, good: wholes.good, bad: [0, ...wholes.bad] },
  "mailbox.capacity": { field: "capacity", otherwise: 100_000, good: [0, ...wholes.good], bad: wholes.bad },
  "mailbox.overflow": {
    field: "overflow",
    otherwise: "turn-away",
    good: ["turn-away", "drop-oldest", "drop-newest"],
    bad: ["drop", "", null, 1, true],
  },
  "mailbox.offers": { field: "offers", otherwise: 1_000, good: [0, ...wholes.good], bad: wholes.bad },
  "mailbox.order": {
    field: "order",
    otherwise: "fifo",
    good: ["fifo", "lifo", { priority: () => 1 }],
    bad: ["random", null, {}, { priority: 1 }, () => 1],
  },
  "supervision.onCrash": {
    field: "onCrash",
    otherwise: "restart",
    good: ["restart", "resume", "stop", "escalate"],
    bad: ["ignore", null, false],
  },
  "supervision.onAskError": {
    field: "onAskError",
    otherwise: "answer",
    good: ["answer", "crash"],
    bad: ["restart", null],
  },
  "supervision.maxRestarts": { field: "maxRestarts", otherwise: 3, good: [0, ...wholes.good], bad: wholes.bad },
  "supervision.within": { field: "withinMs", otherwise: 5_000, ...durations },
  "supervision.backoff": {
    field: "backoff",
    otherwise: 0,
    good: [0, "1s", () => 5, { first: 1 }, { first: "1s", max: "1m", factor: 1, jitter: 1 }],
    bad: durations.bad.filter((value) => typeof value !== "object" || value === null),
  },
  "supervision.backoff.first": { field: "backoff", otherwise: 0, good: [], bad: [...durations.bad, undefined] },
  "supervision.backoff.max": { field: "backoff", otherwise: 0, good: [], bad: durations.bad },
  "supervision.backoff.factor": { field: "backoff", otherwise: 0, good: [], bad: [0.5, Number.NaN, "2", null] },
  "supervision.backoff.jitter": { field: "backoff", otherwise: 0, good: [], bad: [-0.1, 1.1, Number.NaN, "1", null] },
  "supervision.settleWithin": { field: "settleWithinMs", otherwise: 1_000, ...durations },
  "children.strategy": {
    field: "strategy",
    otherwise: "one-for-one",
    good: ["one-for-one", "one-for-all", "rest-for-one"],
    bad: ["all", null, 1],
  },
};

/** `{ mailbox: { capacity: 3 } }` from "mailbox.capacity" and 3. */
function optionsOf(path: string, value: unknown): SpawnOptions {
  const [last = "", ...groups] = path.split(".").reverse();
  let options: Record<string, unknown> = path.startsWith("supervision.backoff.") ? { first: 1 } : {};
  options = { ...options, [last]: value };
  for (const group of groups) options = { [group]: options };
  return options as SpawnOptions;
}

function refusal(run: () => unknown): InvalidOption {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOption);
    return error as InvalidOption;
  }
  throw new Error("it was taken");
}

const show = (value: unknown) =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : `${typeof value} ${String(value)}`;
const rows = (kind: "good" | "bad") =>
  Object.entries(table).flatMap(([path, row]) => row[kind].map((value) => ({ path, value, shown: show(value), row })));

const systems: System[] = [];
function quiet(): System {
  const system = createSystem({ report: false });
  systems.push(system);
  return system;
}
afterAll(() => Promise.all(systems.map((system) => system.stop())));

describe("SpawnOptions", () => {
  test.each(Object.entries(table))("%s has its default", (path, { field, otherwise }) => {
    expect(defaults[field]).toBe(otherwise);
    expect(configure({})[field]).toBe(otherwise);
    if (table[path]?.good.length !== 0) expect(configure(optionsOf(path, undefined))[field]).toBe(otherwise);
  });

  test.each(rows("good"))("$path takes $shown", ({ path, value, row }) => {
    const found = configure(optionsOf(path, value))[row.field];
    if (row.field.endsWith("Ms")) expect(found).toBeTypeOf("number");
    else expect(found).toBe(value);
  });

  test.each(rows("bad"))("$path refuses $shown, and says what it found and what is allowed", ({ path, value }) => {
    const error = refusal(() => configure(optionsOf(path, value)));
    expect(error.option).toBe(path);
    expect(error).toMatchObject({ _tag: "InvalidOption", code: "INVALID_OPTION", name: "InvalidOption" });
    expect(error.message).toMatch(new RegExp(`^${path.replaceAll(".", "\\.")}: found .+, allowed is .+\\.$`));
  });

  test.each([
    ["options", 5],
    ["options", null],
    ["mailbox", null],
    ["mailbox", 100],
    ["supervision", "restart"],
    ["children", "one-for-all"],
    ["children", null],
  ])("%s is no %s", (group, value) => {
    const options = group === "options" ? value : { [group]: value };
    const error = refusal(() => quiet().spawn(() => ({}), options as SpawnOptions));
    expect(error.option).toBe(group);
  });

  test.each([
    ["capcity", { capcity: 1 }],
    ["mailbox.capcity", { mailbox: { capcity: 1 } }],
    ["supervision.restarts", { supervision: { restarts: 1 } }],
    ["children.onCrash", { children: { strategy: "one-for-one", onCrash: "stop" } }],
  ])("has no %s, and says what there is", (option, options) => {
    const error = refusal(() => configure(options as SpawnOptions));
    expect(error.option).toBe(option);
    expect(error.message).toContain(option.startsWith("mailbox") ? "capacity, overflow, offers, order" : "allowed is");
  });

  test("are refused before anything is started", () => {
    const system = quiet();
    refusal(() => system.spawn(() => ({}), { name: "kept", concurrency: 0 }));
    expect(system.census().actors).toBe(0);
    expect(system.spawn(() => ({}), { name: "kept" }).path).toBe("/kept");
  });
});

describe("the name of an actor", () => {
  test.each(["a", "A-1", "ünï", "a.b", "x".repeat(200)])("may be %s", (name) => {
    expect(quiet().spawn(() => ({}), { name }).path).toBe(`/${name}`);
  });

  test.each(["", " ", "a b", "a/b", "a>b", "a:b", "a#1", "~a", "x".repeat(201), null, 1])("may not be %s", (name) => {
    expect(refusal(() => quiet().spawn(() => ({}), { name: name as string })).option).toBe("name");
  });

  test("is its own among its siblings, and free again after its end", async () => {
    const system = quiet();
    const stop = { name: "one" };
    const first = system.spawn((self) => ({ end: () => self.stop() }), stop);
    expect(refusal(() => system.spawn(() => ({}), stop)).option).toBe("name");
    await system.ask(first).end();
    expect(system.spawn(() => ({}), stop).path).toBe("/one");
  });

  test("that is not given is the class with a number, the factory's name, else actor", () => {
    const system = quiet();
    class Stock {}
    function till() {
      return {};
    }
    const paths = [() => new Stock(), () => new Stock(), till, () => ({})].map((make) => system.spawn(make).path);
    expect(paths).toEqual(["/stock-1", "/stock-2", "/till-1", "/actor-1"]);
  });

  test("that is not given takes no name that was", () => {
    const system = quiet();
    system.spawn(() => ({}), { name: "actor-1" });
    expect(system.spawn(() => ({})).path).toBe("/actor-2");
    expect(refusal(() => system.spawn(() => ({}), { name: "actor-2" })).option).toBe("name");
  });
});

describe("SystemOptions", () => {
  const bad = [
    ["name", ""],
    ["name", 5],
    ["seed", 1.5],
    ["seed", "1"],
    ["speed", 0],
    ["speed", -1],
    ["speed", Number.POSITIVE_INFINITY],
    ["speed", "2"],
    ["isolation", "copy"],
    ["isolation", null],
    ["report", true],
    ["sped", 2],
  ] as const;
  test.each(bad)("refuse %s: %s", (option, value) => {
    const error = refusal(() => createSystem({ report: false, [option]: value }));
    expect(error.option).toBe(option);
    expect(error.message).toMatch(/: found .+, allowed is .+\.$/);
  });

  test("have defaults", () => {
    const system = quiet();
    expect(system.name).toBe("system");
    expect(Number.isSafeInteger(system.seed)).toBe(true);
  });
});

describe("the options of a verb", () => {
  const bad = [
    ["within", -1],
    ["within", "soon"],
    ["within", Number.NaN],
    ["attempt", 0],
    ["attempt", 1.5],
  ] as const;
  test.each(bad)("refuse %s: %s, and nothing is sent", (option, value) => {
    const system = quiet();
    const ref = system.spawn(() => ({ go() {} }));
    const verbs = option === "within" ? (["offer", "ask"] as const) : (["tell", "offer", "ask"] as const);
    for (const verb of verbs)
      expect(refusal(() => system.via(verb, ref, { [option]: value }).go()).option).toBe(option);
    expect(system.census().sent).toBe(0);
  });

  test("of stop: drain is a duration", () => {
    expect(refusal(() => quiet().stop({ drain: -1 })).option).toBe("drain");
  });
});

describe("a backoff", () => {
  const wait = (backoff: NonNullable<SpawnOptions["supervision"]>["backoff"], draw = 0) =>
    [1, 2, 3, 4, 10].map((restart) => backoffMs(backoff ?? 0, restart, () => draw));

  test("is fixed, grows up to its limit, or is computed", () => {
    expect(wait("2s")).toEqual([2_000, 2_000, 2_000, 2_000, 2_000]);
    expect(wait({ first: 100, max: 500 })).toEqual([100, 200, 400, 500, 500]);
    expect(wait({ first: 100, factor: 3 })).toEqual([100, 300, 900, 2_700, 30_000]);
    expect(wait((restart) => `${restart}s`)).toEqual([1_000, 2_000, 3_000, 4_000, 10_000]);
  });

  test("is shorter by at most its jitter", () => {
    expect(wait({ first: 100, factor: 1, jitter: 0.5 }, 0)).toEqual([100, 100, 100, 100, 100]);
    expect(wait({ first: 100, factor: 1, jitter: 0.5 }, 0.5)).toEqual([75, 75, 75, 75, 75]);
  });

  test("computed out of range is InvalidOption", () => {
    expect(refusal(() => wait(() => -1)).option).toBe("supervision.backoff");
  });
});
