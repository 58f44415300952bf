// The slot for who wants to see every step of every message. It takes the short roads away, and gives them back.

import { createSystem, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import { audit } from "../../../src/runtime/kernel/census.ts";
import type { ActorSystem } from "../../../src/runtime/kernel/system.ts";

describe("an observer", () => {
  test("sees each step of each message in order, from when it comes until it goes, and changes no count", async () => {
    const system = createSystem({ report: false });
    const { core } = system as ActorSystem;
    const ref = system.spawn(
      () => ({
        add: (n: number) => n + 1,
        fail() {
          throw new Error("planted");
        },
      }),
      { name: "sum" },
    );
    await system.ask(ref).add(1);
    const seen: string[] = [];
    core.observe((step, cell, type) => seen.push(`${step} ${cell.path} ${type}`));
    expect(await system.ask(ref).add(1)).toBe(2);
    await settle(system.ask(ref).fail());
    const late = system.spawn(() => ({ hear() {} }), { name: "late" });
    await system.ask(late).hear();
    core.observe(undefined);
    await system.ask(ref).add(1);
    const steps =
      (...names: string[]) =>
      (of: string) =>
        names.map((name) => `${name} ${of}`);
    expect(seen).toEqual([
      ...steps("sent", "accepted", "started", "handled")("/sum add"),
      ...steps("sent", "accepted", "started", "crashed")("/sum fail"),
      ...steps("sent", "accepted", "started", "handled")("/late hear"),
    ]);
    expect(audit(core)).toEqual([]);
    await system.stop();
  });
});
