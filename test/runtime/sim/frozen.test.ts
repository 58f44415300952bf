// Payloads are frozen in a simulation, so that no two actors share what one of them changes. Who changes one crashes,
// and is told what it was and how it came to be frozen.

import { FrozenPayload, type Ref, type Self } from "antiphon";
import { type Simulation, simulate } from "antiphon/sim";
import { describe, expect, test } from "vitest";

interface Basket {
  owner: { name: string };
  lines: { sku: string; count: number }[];
  note?: string;
}
const basket = (): Basket => ({ owner: { name: "o" }, lines: [{ sku: "mug", count: 1 }] });

interface Receiver {
  take(given: Basket): unknown;
}

/** A sender and a receiver that do this with a basket, among others that pass on baskets of their own all the time. */
function exchange(
  take: (given: Basket, self: Self) => unknown,
  sent: (given: Basket, self: Self) => unknown = () => {},
): Promise<Simulation<void>> {
  return simulate({}, async ({ system, runUntilIdle, run }) => {
    const bystander = system.spawn(() => ({ take: (given: Basket) => given.lines.length }), { name: "bystander" });
    system.spawn(
      (self: Self) => {
        const own = basket();
        self.every(1, () => self.tell(bystander).take(own));
        return {};
      },
      { name: "passer" },
    );
    await run(3.5);
    const receiver: Ref<Receiver> = system.spawn((self: Self) => ({ take: (given: Basket) => take(given, self) }), {
      name: "receiver",
    });
    const send = (self: Self) => ({
      go() {
        const given = basket();
        self.tell(receiver).take(given);
        return sent(given, self);
      },
    });
    system.tell(system.spawn(send, { name: "sender" })).go();
    await runUntilIdle();
  });
}

/** What whoever crashed was told, without how the error ends. */
function told({ events }: Simulation<unknown>): string[] {
  return events.flatMap((event) => {
    if (event.kind !== "crashed") return [];
    expect(event.reason).toBeInstanceOf(FrozenPayload);
    return [(event.reason as FrozenPayload).message.replace(/ Copy what you were sent, .*/, "")];
  });
}

describe("a payload", () => {
  test.each<[string, (given: Basket) => unknown, string]>([
    [
      "in a property",
      (given) => (given.owner.name = "p"),
      "name of something frozen while it handled take; it was frozen as the payload of this message, at owner",
    ],
    [
      "at the end of a list",
      (given) => given.lines.push({ sku: "cap", count: 2 }),
      "1 of something frozen while it handled take; it was frozen as the payload of this message, at lines",
    ],
    [
      "within a list",
      (given) => (given.lines[0]!.count = 2),
      "count of something frozen while it handled take; it was frozen as the payload of this message, at lines.0",
    ],
    [
      "by shortening a list",
      (given) => given.lines.pop(),
      "0 of something frozen while it handled take; it was frozen as the payload of this message, at lines",
    ],
    [
      "by taking out a property",
      (given) => Reflect.deleteProperty(given, "note") && delete (given as Partial<Basket>).owner,
      "owner of something frozen while it handled take; it was frozen as the payload of this message",
    ],
    [
      "by defining a property anew",
      (given) => Object.defineProperty(given, "owner", { value: 1 }),
      "owner of something frozen while it handled take; it was frozen as the payload of this message",
    ],
    ["by a new property", (given) => (given.note = "n"), "note of something frozen while it handled take"],
  ])("can not be changed by its receiver %s", async (_, take, text) => {
    expect(told(await exchange(take))).toEqual([`/receiver changed ${text}.`]);
    const later = async (given: Basket, self: Self) => {
      await self.sleep(1);
      take(given);
    };
    expect(told(await exchange(later))).toEqual([`/receiver changed ${text}.`]);
  });

  test("can not be changed by its sender, at once or later", async () => {
    const text = "name of something frozen while it handled";
    const how = "it was frozen as the payload of take to /receiver, at owner.";
    const change = (given: Basket) => void (given.owner.name = "p");
    expect(told(await exchange(() => {}, change))).toEqual([`/sender changed ${text} go; ${how}`]);
    const later = (given: Basket, self: Self) => void self.after(2, () => change(given), "restock");
    expect(told(await exchange(() => {}, later))).toEqual([`/sender changed ${text} restock; ${how}`]);
  });

  test("can not be changed by a receiver that kept it, in a later message", async () => {
    let kept: Basket | undefined;
    const take = (given: Basket, self: Self) => {
      if (kept === undefined) {
        kept = given;
        self.tell(self.ref as Ref<Receiver>).take(basket());
      } else kept.owner.name = "p";
    };
    // Of two that look alike the last one is named, as it is the one at hand.
    expect(told(await exchange(take))).toEqual([
      "/receiver changed name of something frozen while it handled take; it was frozen as the payload of this message, at owner.",
    ]);
  });
});

describe("what never was a payload", () => {
  test("can not be defined anew either, and is not taken for one", async () => {
    const own = Object.defineProperty({}, "mine", { value: 1 });
    const { events } = await exchange(() => Object.defineProperty(own, "mine", { value: 2 }));
    const reasons = events.map((event) => event.kind === "crashed" && event.reason);
    expect(reasons).toEqual([expect.any(TypeError)]);
    expect(reasons[0]).not.toBeInstanceOf(FrozenPayload);
  });
});

describe("the state of an actor that it gave away in an answer", () => {
  test("can not be changed by its asker either: it is told whose answer that was", async () => {
    const run = await simulate({}, async ({ system, runUntilIdle }) => {
      const giver = system.spawn(() => ({ give: basket }), { name: "giver" });
      const asker = (self: Self) => ({
        async go() {
          const given = await self.ask(giver).give();
          given.lines.push({ sku: "cup", count: 1 });
        },
      });
      system.tell(system.spawn(asker, { name: "asker" })).go();
      await runUntilIdle();
    });
    expect(told(run)).toEqual([
      "/asker changed 1 of something frozen while it handled go; it was frozen in the answer of /giver to give, at lines.",
    ]);
  });

  test("can not be changed by it any more: it is told which answer that was", async () => {
    const run = await simulate({}, async ({ system, runUntilIdle }) => {
      const shelf = () => {
        const state = { stock: new Array<string>("mug"), left: 1 };
        return {
          getState: () => state,
          async later() {
            return { state };
          },
          sell() {
            state.left--;
          },
          restock: () => state.stock.push("cap"),
        };
      };
      for (const name of ["one", "two"]) {
        const ref = system.spawn(shelf, { name });
        await system.ask(ref).restock();
        await system.ask(ref).sell();
        await (name === "one" ? system.ask(ref).getState() : system.ask(ref).later());
        system.tell(ref).sell();
        await runUntilIdle();
      }
    });
    expect(told(run)).toEqual([
      "/one changed left of something frozen while it handled sell; it was frozen in the answer to getState.",
      "/two changed left of something frozen while it handled sell; it was frozen in the answer to later, at state.",
    ]);
  });
});

describe("what can not be frozen", () => {
  test("is reported once for each actor, message and kind, and goes on", async () => {
    const { events } = await simulate({}, async ({ system, runUntilIdle }) => {
      const give = () => ({ take: (_: unknown) => {}, keep: (_: unknown) => {}, answer: () => new Set([1]) });
      const [one, two] = ["one", "two"].map((name) => system.spawn(give, { name }));
      for (let i = 0; i < 3; i++) {
        system.tell(one!).take({ map: new Map([[1, new Date(0)]]), dates: [new Date(1), new Date(2)] });
        system.tell(one!).keep(new Map());
        system.tell(two!).take(new Uint8Array(1));
        await system.ask(two!).answer();
      }
      await runUntilIdle();
    });
    const notChecked = events.map(
      (event) => event.kind === "not-checked" && `${event.path} ${event.type} ${event.what}`,
    );
    expect(notChecked.sort()).toEqual([
      "/one keep Map",
      "/one take Date",
      "/one take Map",
      "/two answer Set",
      "/two take ArrayBufferView",
    ]);
  });
});
