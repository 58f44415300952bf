// The restart matrix: each way to crash × what supervision says × the strategy of the parent. What becomes of the
// parent /p and its children a, b and c when b crashes, what the report says, and what each asker gets.

import type { Ref, Self, SystemEvent } from "antiphon";
import { describe, expect, test } from "vitest";
import { gate, type Passage } from "../fixtures/gate.ts";
import { type Crash, crashes } from "./trouble.ts";
import { until } from "./until.ts";
import { verdict } from "./verdict.ts";
import type { Kit, WorldUnderTest } from "./world.ts";

type Directive = "restart" | "resume" | "stop" | "escalate";
type Strategy = "one-for-one" | "one-for-all" | "rest-for-one";
type Fate = "kept" | "restarted" | "ended" | "anew";
type Family = Record<"a" | "b" | "c", Ref<Member>>;

/** The three places in which a factory, a handler or a turn of b can fail. */
interface Kind {
  /** What b does on `provoke`; undefined where its factory fails by itself. */
  provoke?: (self: Self) => unknown;
  /** What b's factory does at its n-th run, before it makes its object. */
  boot?: (self: Self, run: number) => unknown;
  /** The report's context; what the report says of the reason. */
  context: string;
  reason: unknown;
  /** What the asker of the offender gets; undefined where a turn or a factory failed. */
  asker?: string;
  priority?: boolean;
}

const boom = new Error("boom");
const hurl = (value: unknown) => () => {
  throw value;
};
const failingChild = (self: Self) => {
  const kid = self.spawn(() => ({ fail: hurl(boom) }), { name: "kid", supervision: { onCrash: "escalate" } });
  self.tell(kid).fail();
};

const kinds: Record<string, Kind> = {
  "throws an error": { provoke: hurl(boom), context: "provoke", reason: boom, asker: "ActorCrashed, unknown" },
  "throws null": { provoke: hurl(null), context: "provoke", reason: null, asker: "ActorCrashed, unknown" },
  "throws undefined": {
    provoke: hurl(undefined),
    context: "provoke",
    reason: undefined,
    asker: "ActorCrashed, unknown",
  },
  "rejects later": {
    provoke: (self) => self.sleep(1).then(hurl(boom)),
    context: "provoke",
    reason: boom,
    asker: "ActorCrashed, unknown",
  },
  "fails in a timer": {
    provoke: (self) => void self.after(0, hurl(boom), "tick"),
    context: "timer tick",
    reason: boom,
  },
  "fails in a pipe": {
    provoke: (self) => self.pipeToSelf(Promise.reject(boom), () => {}),
    context: "pipe",
    reason: boom,
  },
  "fails in what a pipe is done with": {
    provoke: (self) => self.pipeToSelf(self.sleep(0), hurl(boom)),
    context: "pipe",
    reason: boom,
  },
  "fails in a watch": {
    provoke: (self) => {
      const kid = self.spawn((inner: Self) => ({ stop: () => inner.stop() }), { name: "kid" });
      self.watch(kid, hurl(boom));
      self.tell(kid).stop();
    },
    context: "watch /p/b/kid",
    reason: boom,
  },
  "fails in its priority function": {
    provoke: () => {},
    priority: true,
    context: "priority",
    reason: boom,
    asker: "ActorCrashed, not-started",
  },
  "fails because its child was escalated": {
    provoke: failingChild,
    context: "child",
    reason: expect.objectContaining({ _tag: "ChildFailed", path: "/p/b/kid", cause: boom }),
  },
  "fails in its first start": { boot: (_, run) => run === 1 && hurl(boom)(), context: "factory", reason: boom },
  "fails in its first, asynchronous start": {
    boot: (self, run) => self.sleep(1).then(run === 1 ? hurl(boom) : () => {}),
    context: "factory",
    reason: boom,
  },
};

interface Member {
  /** How often it was asked since its factory ran. */
  age(): number;
  linger(): void;
  provoke(): unknown;
}

interface Story {
  readonly fates: Record<string, Fate>;
  readonly fresh: Record<string, boolean>;
  readonly reports: readonly Crash[];
  readonly offender: string;
  readonly inFlight: Record<string, string>;
  readonly queued: string;
}

/** Lets b fail in its way and tells what became of everybody. */
async function tell(kit: Kit, kind: Kind, directive: Directive, strategy: Strategy): Promise<Story> {
  const { system, events } = kit;
  const barrier = system.spawn(gate, { concurrency: Number.POSITIVE_INFINITY });
  const families: Family[] = [];
  let boots = 0;
  const member = (self: Self): Member => {
    let count = 0;
    return {
      age: () => count++,
      linger: () => self.ask(barrier as Ref<Passage>, { within: Number.POSITIVE_INFINITY }).enter(),
      provoke: () => kind.provoke?.(self),
    };
  };
  const troubled = (self: Self): Member | Promise<Member> => {
    const booted = kind.boot?.(self, ++boots);
    return booted instanceof Promise ? booted.then(() => member(self)) : member(self);
  };
  const priority = ({ type }: { type: string }) => (type === "provoke" ? hurl(boom)() : 0);
  const parent = system.spawn(
    (self: Self) => {
      const supervision = { onCrash: directive, settleWithin: 2 };
      const options = { concurrency: 2, supervision };
      const a = self.spawn(member, { ...options, name: "a" });
      const b = self.spawn(troubled, {
        ...options,
        name: "b",
        ...(kind.priority === true ? { mailbox: { order: { priority } } } : {}),
      });
      const c = self.spawn(member, { ...options, name: "c" });
      families.push({ a, b, c });
      return { ping: () => families.length };
    },
    { name: "p", children: { strategy } },
  );
  const { a, b, c } = families[0] as Family;
  let offender = "";
  let queued = "";
  const lingering: Promise<string>[] = [];
  if (kind.boot === undefined) {
    for (const one of [a, b, c]) {
      for (let n = 0; n < 10; n++) await system.ask(one).age();
      lingering.push(verdict(system.ask(one).linger()));
    }
    await system.ask(barrier as Ref<Passage>).entered(3);
    const asked = verdict(system.ask(b).provoke());
    const waiting = verdict(system.ask(b).age());
    offender = await asked;
    await until(system, () => crashes(kit).length > 0);
    queued = await waiting;
  }
  await until(system, () => crashes(kit).some(({ path }) => path === (directive === "escalate" ? "/p" : "/p/b")));
  await system.ask(parent).ping();
  const now = families.at(-1) as Family;
  const ages = await Promise.all(
    [now.a, now.b, now.c].map((one) =>
      system
        .ask(one)
        .age()
        .catch(() => Number.NaN),
    ),
  );
  system.tell(barrier as Ref<Passage>).open();
  const [first = "", second = "", third = ""] = await Promise.all(lingering);
  kit.conserve();
  return {
    fates: Object.fromEntries(["/p", "/p/a", "/p/b", "/p/c"].map((path) => [path.slice(-1), fateOf(events, path)])),
    fresh: Object.fromEntries(["a", "b", "c"].map((name, n) => [name, (ages[n] as number) < 10])),
    reports: crashes(kit).filter(({ path }) => path !== "/p/b/kid"),
    offender,
    inFlight: { a: first, b: second, c: third },
    queued,
  };
}

/** By the events alone. */
function fateOf(events: readonly SystemEvent[], path: string): Fate {
  const life = events.filter((event) => event.path === path && (event.kind === "started" || event.kind === "ended"));
  if (life.at(-1)?.kind === "ended") return "ended";
  if (life.some(({ kind }) => kind === "ended")) return "anew";
  return life.some((event) => event.kind === "started" && event.incarnation > 1) ? "restarted" : "kept";
}

function expectedFates(kind: Kind, directive: Directive, strategy: Strategy): Record<string, Fate> {
  const kept = { p: "kept", a: "kept", b: "kept", c: "kept" } as const;
  switch (directive) {
    case "restart":
      return {
        ...kept,
        a: strategy === "one-for-all" ? "restarted" : "kept",
        b: "restarted",
        c: strategy === "one-for-one" ? "kept" : "restarted",
      };
    case "resume":
      // There is nothing to resume before it has started.
      return { ...kept, b: kind.boot === undefined ? "kept" : "ended" };
    case "stop":
      return { ...kept, b: "ended" };
    case "escalate":
      return { p: "restarted", a: "anew", b: "anew", c: "anew" };
  }
}

/** Of a member in flight, by its fate. */
const inFlight: Record<Fate, string> = {
  kept: "ok",
  restarted: "ActorRestarted, unknown",
  ended: "ActorStopped, unknown",
  anew: "ActorStopped, unknown",
};

export function restartsConformance(world: WorldUnderTest): void {
  const strategies: Strategy[] = ["one-for-one", "one-for-all", "rest-for-one"];
  for (const [name, kind] of Object.entries(kinds))
    describe(`an actor that ${name}`, () => {
      for (const directive of ["restart", "resume", "stop", "escalate"] as const)
        for (const strategy of strategies)
          test(`[F6 ${world.name}] under ${directive} and ${strategy}`, () =>
            world.run(async (kit) => {
              const { fates, fresh, reports, ...asked } = await tell(kit, kind, directive, strategy);
              const expected = expectedFates(kind, directive, strategy);
              expect(fates).toEqual(expected);
              for (const member of ["a", "b", "c"])
                if (kind.boot === undefined)
                  expect([member, fresh[member]]).toEqual([
                    member,
                    ["restarted", "anew"].includes(expected[member] ?? ""),
                  ]);
              const offender = kind.context === "provoke" ? expect.objectContaining({ type: "provoke" }) : undefined;
              const report = { kind: "crashed", path: "/p/b", supervisor: "/p", directive, offender };
              const above = { kind: "crashed", path: "/p", supervisor: "/", directive: "restart", context: "child" };
              expect(reports).toEqual([
                { ...report, context: kind.context, reason: kind.reason },
                ...(directive === "escalate"
                  ? [{ ...above, offender: undefined, reason: expect.objectContaining({ cause: kind.reason }) }]
                  : []),
              ]);
              if (kind.boot !== undefined) return;
              expect(asked.offender).toBe(kind.asker ?? "ok");
              for (const member of ["a", "b", "c"])
                expect([member, asked.inFlight[member]]).toEqual([member, inFlight[expected[member] as Fate]]);
              if (kind.context !== "provoke") return;
              // What waited at b when it crashed is handled afterwards, or told that it never will be.
              const lost = expected["b"] === "ended" || expected["b"] === "anew";
              expect(asked.queued).toBe(lost ? "ActorStopped, not-started" : "ok");
            }));
    });
}
