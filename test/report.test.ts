// What a system prints by itself.

import { createSystem, type Self, SystemFailed, type SystemOptions, settle } from "antiphon";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SystemEvent } from "../src/runtime/kernel/verbs.ts";
import { printReport } from "../src/runtime/live/report.ts";
import { until } from "./conformance/until.ts";

/** The lines that `body` makes a system print. */
async function printed(
  body: (system: ReturnType<typeof createSystem>) => Promise<void>,
  options: SystemOptions = {},
): Promise<string[]> {
  const lines: string[] = [];
  const system = createSystem({ seed: 1, report: printReport((line) => lines.push(line)), ...options });
  await body(system);
  await system.stop();
  return lines;
}

/** Runs `body` and gives what it wrote to the console. */
async function written(body: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const before = console.error;
  console.error = (line: unknown) => void lines.push(String(line));
  try {
    await body();
  } finally {
    console.error = before;
  }
  return lines;
}

const troubled = () => ({
  ok: () => true,
  fail(): never {
    throw new Error("no stock", { cause: new RangeError("below zero") });
  },
});

const crash = (reason: unknown): SystemEvent => ({
  kind: "crashed",
  path: "/a",
  supervisor: "/",
  context: "go",
  reason,
  offender: undefined,
  directive: "restart",
});

/** One event of each kind that carries what a user's code threw. */
const carrying: ((reason: unknown) => SystemEvent)[] = [
  crash,
  (reason) => ({ kind: "system-failed", path: "/a", reason }),
  (reason) => ({ kind: "unheard", path: "/a", type: "go", from: undefined, reason }),
];

describe("the default report", () => {
  test("writes to the console unless told otherwise", async () => {
    const run = (report?: false) => async () => {
      const system = createSystem(report === undefined ? { seed: 1 } : { seed: 1, report });
      const ref = system.spawn(troubled, { name: "shop" });
      system.tell(ref).fail();
      await system.ask(ref).ok();
      await system.stop();
    };
    expect(await written(run())).toEqual([
      expect.stringMatching(/^antiphon: \/shop crashed in fail; \/ says restart: /),
    ]);
    expect(await written(run(false))).toEqual([]);
  });

  test("prints one line for each crash, with the sender, the supervisor's word, the stack and the causes", async () => {
    const lines = await printed(async (system) => {
      const ref = system.spawn(troubled, { name: "stock", supervision: { maxRestarts: 2, within: "1h" } });
      const client = system.spawn((self: Self) => ({ go: () => self.tell(ref).fail() }), { name: "client" });
      for (let n = 0; n < 3; n++) {
        await system.ask(client).go();
        await settle(system.ask(ref).ok());
      }
    });
    expect(lines).toHaveLength(4);
    for (const [n, line] of lines.slice(0, 3).entries()) {
      const says = n < 2 ? "restart" : "escalate";
      expect(line).toMatch(`antiphon: /stock crashed in fail from /client; / says ${says}: Error: no stock\n    at `);
      expect(line).toContain("report.test.ts");
      expect(line).toContain("\n  caused by RangeError: below zero");
    }
    expect(lines[3]).toBe(
      "antiphon: /stock failed for good: more than 2 crashes within 60 m. It is stopped; its siblings go on.",
    );
  });

  test("prints dead letters of one kind the first, the tenth and the hundredth time", async () => {
    const lines = await printed(async (system) => {
      const gone = system.spawn((self: Self) => ({ stop: () => self.stop(), ok: () => {}, other: () => {} }), {
        name: "gone",
      });
      await system.ask(gone).stop();
      await until(system, () => system.census(gone).actors === 0);
      for (let n = 0; n < 150; n++) system.tell(gone).ok();
      system.tell(gone).other();
    });
    const line = "antiphon: dead letter: ok to /gone from outside (ACTOR_STOPPED)";
    expect(lines).toEqual([
      line,
      `${line} (10 times)`,
      `${line} (100 times)`,
      "antiphon: dead letter: other to /gone from outside (ACTOR_STOPPED)",
    ]);
  });

  test("names who told, when a refusal or a failed ask reaches nobody", async () => {
    const lines = await printed(async (system) => {
      const stock = system.spawn(troubled, { name: "stock" });
      const shop = system.spawn(
        (self: Self) => ({
          buy() {
            void self.ask(stock).fail();
          },
        }),
        { name: "shop" },
      );
      // It is looked for when the macrotask is over, and a busy host may let any time pass in one.
      const kinds: string[] = [];
      system.events(({ kind }) => kinds.push(kind));
      await system.ask(shop).buy();
      await until(system, () => kinds.includes("unheard"));
    });
    expect(lines).toEqual([
      expect.stringContaining("/stock crashed in fail from /shop"),
      expect.stringMatching(
        /^antiphon: unheard: fail of \/stock, sent by \/shop, failed and nobody waited: ActorCrashed: .*no stock/,
      ),
    ]);
  });

  test("names a handler that did not end in time, and a bound that was reached", async () => {
    const lines = await printed(async (system) => {
      const ref = system.spawn(() => ({ linger: () => new Promise(() => {}), fail: troubled().fail, ok: () => true }), {
        name: "a",
        concurrency: 2,
        supervision: { settleWithin: 1 },
      });
      system.tell(ref).linger();
      system.tell(ref).fail();
      await system.ask(ref).ok();
      const full = system.spawn(() => ({ ok: () => true }), { name: "full", mailbox: { capacity: 0 } });
      const asks = [settle(system.ask(full).ok()), settle(system.ask(full).ok())];
      await Promise.all(asks);
    });
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(
        /^antiphon: \/a went on without its linger, unfinished after \d+ ms\. Let it watch self\.signal\.$/,
      ),
      "antiphon: /full reached mailbox.capacity: 0",
    ]);
  });

  describe("of an actor that holds its mailbox across an ask", () => {
    // A second of this system's time is a millisecond of the host's.
    const story = (concurrency: number, speed: number, waiting: number, nap: "1500ms" | "2ms") =>
      printed(
        async (system) => {
          const bank = system.spawn((self: Self) => ({ pay: () => self.sleep(nap) }), { name: "bank" });
          const shop = system.spawn(
            (self: Self) => ({ buy: () => self.ask(bank, { within: "1h" }).pay(), look: () => {} }),
            {
              name: "shop",
              concurrency,
            },
          );
          const first = system.ask(shop, { within: "1h" }).buy();
          await until(system, () => system.census(shop).running === 1);
          for (let n = 0; n < waiting; n++) system.tell(shop).look();
          await first;
          // Nothing is left that could end as a dead letter.
          await system.ask(shop, { within: "1h" }).look();
        },
        { speed },
      );

    test("for a second names the actor, the edge and the option", async () => {
      const lines = await story(1, 1_000, 3, "1500ms");
      expect(lines).toEqual([
        expect.stringMatching(/^antiphon: \/shop kept 3 messages waiting for \d{4,} ms while buy asked \/bank pay\. /),
      ]);
      expect(lines[0]).toContain("raise its concurrency, or tell instead of ask");
    });

    test("is silent when it holds shortly, when nothing came meanwhile, and when it takes several", async () => {
      expect(await story(1, 1, 3, "2ms")).toEqual([]);
      expect(await story(1, 1_000, 0, "1500ms")).toEqual([]);
      expect(await story(2, 1_000, 3, "1500ms")).toEqual([]);
    });
  });

  const selfCaused = new Error("self");
  selfCaused.cause = selfCaused;
  const hurl = () => {
    throw new Error("not readable");
  };
  const unreadable = (name: string) => Object.defineProperty(new Error("odd"), name, { get: hurl });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const odd: Record<string, unknown> = {
    null: null,
    undefined,
    "a symbol": Symbol("odd"),
    "an object whose toString throws": { toString: hurl },
    "an object without a prototype": Object.create(null),
    "a revoked proxy": proxy,
    "an error that is its own cause": selfCaused,
    "an error without a stack": Object.assign(new Error("bare"), { stack: undefined }),
    "an error with a symbol as stack": Object.assign(new Error("bare"), {
      stack: Symbol("odd"),
      message: Symbol("odd"),
    }),
    ...Object.fromEntries(
      ["name", "message", "stack", "cause"].map((name) => [`an error without a readable ${name}`, unreadable(name)]),
    ),
    "an error caused by something odd": new Error("odd", { cause: { toString: hurl } }),
    "a failure for good of something odd": new SystemFailed("/a", "odd", { cause: Symbol("odd") }),
  };
  test.each(Object.entries(odd))("prints a line for %s", (_, reason) => {
    for (const make of carrying) {
      const lines: string[] = [];
      printReport((line) => lines.push(line))(make(reason));
      expect(lines).toEqual([expect.stringMatching(/^antiphon: ./)]);
    }
  });

  test("throws for no reason whatever", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withObjectString: true, withBigInt: true }), (reason) => {
        for (const make of carrying) expect(() => printReport(() => {})(make(reason))).not.toThrow();
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe("a report that throws", () => {
  test.each([
    [
      "throws",
      () => {
        throw new Error("report");
      },
    ],
    ["rejects", (() => Promise.reject(new Error("report"))) as () => void],
  ])("or %s does no harm, and other listeners hear the same", async (_, report: () => void) => {
    const system = createSystem({ seed: 1, report });
    const heard: string[] = [];
    system.events((event) => void (event.kind === "crashed" && heard.push(event.context)));
    const ref = system.spawn(troubled);
    for (let n = 0; n < 2; n++) system.tell(ref).fail();
    expect(await system.ask(ref).ok()).toBe(true);
    expect(heard).toEqual(["fail", "fail"]);
    expect(await system.stop()).toEqual({ left: [] });
  });
});
