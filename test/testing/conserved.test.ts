import { createSystem, type Message, type Ref, receive, type Self, type System, settle } from "antiphon";
import { crash, drop, duplicate, powerFailure, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { cellOf } from "../../src/runtime/kernel/cell.ts";
import type { ActorSystem } from "../../src/runtime/kernel/system.ts";
import { conserved } from "../../src/testing/conserved.ts";

const worker = (self: Self) => ({
  async work(ms: number) {
    await self.sleep(ms);
    if (self.random() < 0.2) throw new Error("planted");
    return ms;
  },
  hurry: () => "done",
});

const door = (self: Self, to: Ref<ReturnType<typeof worker>>) => ({
  [receive](m: Message<ReturnType<typeof worker>>) {
    if (m.type === "hurry") m.forward(to);
    else {
      m.hold();
      void settle(m.relay(to)).then((end) => (end.ok ? m.answer(end.value) : m.refuse(end.error as never)));
    }
    return self.path;
  },
});

/** Asks, tells and offers of all kinds, of which many end badly. */
function busy(system: System, look: () => void): void {
  system.events(look);
  const to = system.spawn(worker, { name: "worker", mailbox: { capacity: 3 }, supervision: { maxRestarts: 99 } });
  const front = system.spawn((self: Self) => door(self, to), { name: "door", concurrency: 2 });
  for (let n = 1; n <= 12; n++) {
    void settle(system.ask(n % 2 === 0 ? to : front, { within: n * 2 }).work(n % 5)).then(look);
    system.tell(front).hurry();
    if (n % 3 === 0) void settle(system.offer(to, { within: 5 }).hurry() as Promise<void>).then(look);
    look();
  }
}

describe("conserved", () => {
  const faults = [
    drop("*>/worker", { share: 0.2 }),
    duplicate("*>/door", { share: 0.2 }),
    crash("/door", { at: 7 }),
    powerFailure({ at: 15 }),
  ];
  test("accepts a system at each of its steps, with faults, restarts and a power failure", async () => {
    let [looks, wrong] = [0, 0];
    for (let seed = 1; seed <= 20; seed++)
      await simulate({ seed, faults, latency: { "*>*": { min: 0, max: 4 } } }, async ({ system, step }) => {
        const look = () => {
          looks++;
          if (!conserved(system).ok) wrong++;
        };
        busy(system, look);
        do look();
        while (await step());
        await system.stop();
        look();
        expect(conserved(system).text).toMatch(/^Balanced: \d+ messages, 0 actors\.$/);
      });
    expect(looks).toBeGreaterThan(2_000);
    expect(wrong).toBe(0);
  });

  test("accepts a live system while a handler runs", async () => {
    await using system = createSystem({ report: false });
    const found: string[] = [];
    const ref = system.spawn(() => ({ look: () => void found.push(conserved(system).text) }));
    system.tell(ref).look();
    await system.ask(ref).look();
    expect(found).toEqual(["Balanced: 2 messages, 1 actors.", "Balanced: 2 messages, 1 actors."]);
  });

  async function cooked(cook: (system: ActorSystem, ref: Ref<unknown>) => void) {
    const { value } = await simulate({}, async ({ system }) => {
      const keeper = system.spawn(() => ({ [receive]: (m: Message<{ keep(): void }>) => m.hold() }), {
        name: "keeper",
      });
      const ref = system.spawn(worker, { name: "worker" });
      system.tell(keeper).keep();
      await system.ask(ref).hurry();
      system.tell(ref).hurry();
      expect(conserved(system)).toEqual({ ok: true, text: "Balanced: 3 messages, 2 actors." });
      cook(system as ActorSystem, ref);
      return conserved(system);
    });
    return value;
  }

  test("names the actor whose books are wrong, with the equation and its numbers", async () => {
    const found = await cooked((_, ref) => cellOf(ref).handled--);
    expect(found).toMatchObject({
      ok: false,
      found: [
        {
          path: "/worker",
          rule: "accepted + forwardedIn = handled + refused + crashed + expired + cancelled + dropped + dead + forwardedOut + queued + running + held",
          found: "2 + 0 is not 0 + 0 + 0 + 0 + 0 + 0 + 0 + 0 + 1 + 0 + 0",
        },
        { path: "/", found: "3 is not 0 + 0 + 0 + 0 + 0 + 0 + 0 + 1 + 0 + 1" },
      ],
    });
    expect(found.text.split("\n")).toEqual([
      "The books do not balance:",
      expect.stringMatching(/^ {2}\/worker: accepted .* held, but 2 \+ 0 is not 0 /),
      expect.stringMatching(/^ {2}the system: accepted = handled .* held, but 3 is not 0 /),
    ]);
  });

  test("finds a message that was sent and came nowhere", async () => {
    const found = await cooked(({ core }) => core.sent++);
    expect(found).toMatchObject({
      found: [
        {
          path: "/",
          rule: "sent = turnedAway + lost + transit + waitingForRoom + accepted",
          found: "4 is not 0 + 0 + 0 + 0 + 3",
        },
      ],
    });
  });

  test("finds a count below 0, though the equations hold", async () => {
    const found = await cooked(({ core }, ref) => {
      core.lost--;
      core.transit++;
      cellOf(ref).count().refused--;
      cellOf(ref).handled++;
    });
    expect(found).toMatchObject({
      ok: false,
      found: [
        { path: "/worker", rule: "refused ≥ 0", found: "refused is -1" },
        { path: "/", rule: "lost ≥ 0", found: "lost is -1" },
        { path: "/", rule: "refused ≥ 0", found: "refused is -1" },
      ],
    });
  });
});
