// The runtime under its own instrument: order, asks and circles of small systems, in every order.

import { type Message, type Ref, receive, type Self } from "antiphon";
import { crash } from "antiphon/sim";
import { describe, expect, test } from "vitest";
import { ordered } from "../../../../src/testing/order.ts";
import { does, Ends, everyChoice, everyOrder, server } from "./everyorder.ts";

interface Delivery {
  readonly from: string;
  readonly to: string;
  readonly seq: number;
}

function expectOrder(deliveries: readonly Delivery[], count: number): string {
  expect(ordered(deliveries)).toMatchObject({ ok: true });
  expect(deliveries).toHaveLength(count);
  return deliveries.map(({ from, seq }) => `${from}${seq}`).join(" ");
}

describe("in every order", () => {
  test("[D1 sim] [D2 sim] [D3 sim] what two actors tell, offer and ask starts once, in the order of each", async () => {
    const found = await everyOrder(async (world) => {
      const deliveries: Delivery[] = [];
      const note = (self: Self) => (seq: number) =>
        void deliveries.push({ from: self.message?.sender?.path ?? "/", to: self.path, seq });
      const inbox = world.system.spawn((self: Self) => ({ note: note(self) }), { name: "inbox" });
      for (const name of ["a", "b"])
        does(world, name, (self) => {
          self.tell(inbox).note(1);
          return Promise.all([self.offer(inbox).note(2), self.ask(inbox).note(3)]);
        });
      await world.runUntilIdle();
      return expectOrder(deliveries, 6);
    });
    expect(found).toMatchObject({ orders: "complete, 20 traces of 20 orders", missed: [] });
    expect(found.outcomes).toHaveLength(20);
  });

  test("[D1 sim] [D2 sim] [D3 sim] what an actor forwards and tells starts once, in the order in which it put both", async () => {
    interface Inbox {
      note(delivery: Omit<Delivery, "to">): void;
    }
    const found = await everyOrder(async (world) => {
      const { system } = world;
      const deliveries: Delivery[] = [];
      const note = (one: Omit<Delivery, "to">) => void deliveries.push({ ...one, to: "inbox" });
      const inbox = system.spawn((): Inbox => ({ note }), { name: "inbox" });
      const router: Ref<Inbox> = system.spawn(
        (self: Self) => ({
          [receive](m: Message<Inbox>) {
            const { from, seq } = m.payload as Delivery;
            self.tell(inbox).note({ from, seq: seq - 1 });
            m.forward(inbox);
          },
        }),
        { name: "router" },
      );
      does(world, "a", (self) => {
        for (const seq of [2, 4]) self.tell(router).note({ from: "router", seq });
      });
      does(world, "b", (self) => {
        for (const seq of [1, 2]) self.tell(inbox).note({ from: "b", seq });
      });
      await world.runUntilIdle();
      return expectOrder(deliveries, 6);
    });
    expect(found).toMatchObject({ orders: "complete, 15 traces of 15 orders", missed: [] });
    expect(found.outcomes).toHaveLength(15);
  });

  for (const end of ["fail", "stop"] as const)
    test(`[A1 sim] [A2 sim] [D2 sim] each ask of an actor that ${end}s settles once`, async () => {
      const found = await everyOrder(async (world) => {
        const ends = new Ends();
        const to = world.system.spawn(server(), { name: "server" });
        for (const name of ["a", "b"]) does(world, name, (self) => ends.of(name, self.ask(to).get()));
        does(world, "c", (self) => self.tell(to)[end]());
        await world.runUntilIdle();
        return ends.text;
      });
      if (end === "fail") {
        expect(found.outcomes).toEqual(["a ok; b ok"]);
        expect(found).toMatchObject({ orders: "complete, 14 traces of 6 orders", missed: [] });
      } else {
        const stopped = "ActorStopped, not-started";
        expect(found.outcomes).toEqual([
          `a ${stopped}; b ${stopped}`,
          `a ${stopped}; b ok`,
          `a ok; b ${stopped}`,
          "a ok; b ok",
        ]);
        expect(found).toMatchObject({ orders: "complete, 10 traces of 10 orders", missed: [] });
      }
    });

  test("[A1 sim] [A2 sim] [F2 sim] each ask of an actor that crashes at any moment settles once", async () => {
    const found = await everyOrder(
      async (world) => {
        const ends = new Ends();
        const to = world.system.spawn(server(), { name: "server" });
        for (const name of ["a", "b"]) does(world, name, (self) => ends.of(name, self.ask(to).get()));
        await world.runUntilIdle();
        return ends.text;
      },
      { faults: [crash("/server", { at: 0 })] },
    );
    expect(found.outcomes).toEqual([
      "a ActorRestarted, unknown; b ok",
      "a ok; b ActorRestarted, unknown",
      "a ok; b ok",
    ]);
    expect(found).toMatchObject({ orders: "complete, 32 traces of 6 orders", missed: [] });
  });

  test("[A4 sim] [A5 sim] [A6 sim] an ask that is given up by its deadline is not started, or signalled, or answered too late", async () => {
    const found = await everyOrder(async (world) => {
      const { system } = world;
      const [log, ends] = [[] as string[], new Ends()];
      const to = system.spawn(server(log), { name: "server" });
      does(world, "a", (self) => ends.of("a", self.ask(to, { within: 10 }).get()));
      does(world, "b", (self) => ends.of("b", self.ask(to).get()));
      await world.runUntilIdle();
      const { late, expired } = system.census();
      const of = (name: string) => log.filter((text) => text.endsWith(name)).map((text) => text.split(" ")[0]);
      return `${of("a").join(", ")}; ${ends.text}; ${expired} expired, ${late} late`;
    });
    expect(found.outcomes).toEqual([
      "; a AskTimeout, not-started; b ok; 1 expired, 0 late",
      "start, abort, end; a AskTimeout, unknown; b ok; 0 expired, 1 late",
      "start, end; a AskTimeout, unknown; b ok; 0 expired, 1 late",
      "start, end; a ok; b ok; 0 expired, 0 late",
    ]);
    expect(found).toMatchObject({ orders: "complete, 11 traces of 7 orders", missed: [] });
  });

  test("[A3 sim] [A4 sim] giving up an ask gives up in the same turn what was asked for it", async () => {
    const found = await everyOrder(async (world) => {
      const { system } = world;
      const [log, ends] = [[] as string[], new Ends()];
      const last = system.spawn(() => ({ go: () => void log.push("start") }), { name: "last" });
      const middle = system.spawn((self: Self) => ({ go: () => ends.of("middle", self.ask(last).go()) }), {
        name: "middle",
      });
      does(world, "a", (self) => ends.of("a", self.ask(middle, { within: 10 }).go()));
      await world.runUntilIdle();
      return [...log, ends.text].join("; ");
    });
    expect(found.outcomes).toEqual([
      "a AskTimeout, not-started",
      "a AskTimeout, unknown; middle AskTimeout, not-started",
      "start; a AskTimeout, unknown; middle AskTimeout, unknown",
      "start; a AskTimeout, unknown; middle ok",
      "start; a ok; middle ok",
    ]);
    expect(found).toMatchObject({ orders: "complete, 5 traces of 5 orders", missed: [] });
  });

  test("[A4 sim] [A5 sim] an ask that is given up by a signal is not started, or signalled", async () => {
    const found = await everyOrder(async (world) => {
      const [log, ends, control] = [[] as string[], new Ends(), new AbortController()];
      const to = world.system.spawn(server(log), { name: "server" });
      does(world, "a", (self) => ends.of("a", self.ask(to, { signal: control.signal }).get()));
      does(world, "b", () => control.abort());
      await world.runUntilIdle();
      return [...log, ends.text].join("; ");
    });
    expect(found.outcomes).toEqual([
      "a Cancelled, not-started",
      "start a; abort a; end a; a Cancelled, unknown",
      "start a; end a; a ok",
    ]);
    expect(found).toMatchObject({ orders: "complete, 3 traces of 3 orders", missed: [] });
  });

  for (const size of [2, 3])
    test(`[A7 sim] [A1 sim] no circle of ${size} asks stands: one is withdrawn, and all go on`, async () => {
      interface Member {
        call(): Promise<unknown>;
        ok(): void;
      }
      const found = await everyChoice(async ({ system, runUntilIdle }) => {
        const ends = new Ends();
        const ring: Ref<Member>[] = [];
        for (let i = 0; i < size; i++)
          ring.push(
            system.spawn(
              (self: Self): Member => ({
                call: () => ends.of(`${i}`, self.ask(ring[(i + 1) % size]!).ok()),
                ok() {},
              }),
              { name: `m${i}` },
            ),
          );
        for (const ref of ring) system.tell(ref).call();
        await runUntilIdle();
        return ends.text;
      });
      const broken = (victim: number) =>
        Array.from({ length: size }, (_, i) => `${i} ${i === victim ? "WaitCycle, not-started" : "ok"}`).join("; ");
      const victims = Array.from({ length: size }, (_, i) => i);
      expect(found.outcomes).toEqual([...victims, -1].map(broken).sort());
      expect(found.orders).toBe(size === 2 ? "complete, 4 runs of 4 orders" : "complete, 30 runs of 9 orders");
    });

  test("[A1 sim] [A2 sim] [D2 sim] an ask that is forwarded settles once, whoever stops and gives up on its way", async () => {
    const found = await everyOrder(async (world) => {
      const { system } = world;
      const ends = new Ends();
      const inbox = system.spawn((self: Self) => ({ get() {}, stop: () => self.stop() }), { name: "inbox" });
      const router: Ref<{ get(): void }> = system.spawn(
        () => ({ [receive]: (m: Message<{ get(): void }>) => m.forward(inbox) }),
        { name: "router" },
      );
      does(world, "a", (self) => ends.of("a", self.ask(router, { within: 10 }).get()));
      does(world, "b", (self) => ends.of("b", self.ask(router).get()));
      does(world, "c", (self) => self.tell(inbox).stop());
      await world.runUntilIdle();
      return ends.text;
    });
    expect(found.outcomes).toEqual([
      "a ActorStopped, not-started; b ActorStopped, not-started",
      "a ActorStopped, not-started; b ok",
      "a AskTimeout, not-started; b ActorStopped, not-started",
      "a AskTimeout, not-started; b ok",
      "a AskTimeout, unknown; b ActorStopped, not-started",
      "a AskTimeout, unknown; b ok",
      "a ok; b ActorStopped, not-started",
      "a ok; b ok",
    ]);
    expect(found).toMatchObject({ orders: "complete, 42 traces of 32 orders", missed: [] });
  });
});

describe("the search of every order", () => {
  test("finds the one order that a planted bug needs", async () => {
    const lost = everyOrder(async (world) => {
      let balance = 0;
      const account = world.system.spawn(
        () => ({ read: () => balance, write: (sum: number) => void (balance = sum) }),
        {
          name: "account",
        },
      );
      for (const name of ["a", "b"])
        does(world, name, async (self) => self.ask(account).write((await self.ask(account).read()) + 1));
      await world.runUntilIdle();
      if (balance !== 2) throw new Error(`an update is lost: ${balance}`);
      return "";
    });
    await expect(lost).rejects.toThrow("an update is lost: 1");
  });
});
