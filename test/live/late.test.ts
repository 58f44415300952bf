// D5 where no timer has fired yet: time passed in the host, and a promise of its own comes before its timers.

import { type Self, settle } from "antiphon";
import { describe, expect, test } from "vitest";
import type { ActorSystem } from "../../src/runtime/kernel/system.ts";
import { createSystemOn } from "../../src/runtime/live/create.ts";
import { CountingHost } from "./counting.ts";

describe("a deadline that passed before its timer fired", () => {
  test.each([
    { passedMs: 10, first: { error: { code: "ASK_TIMEOUT", outcome: "unknown" } }, ran: [] },
    { passedMs: 1, first: { ok: true, value: "first" }, ran: ["second"] },
  ])(
    "[D5 live] holds for the answer and for what is queued: $passedMs ms of 5 ms",
    async ({ passedMs, first, ran }) => {
      const host = new CountingHost();
      const system = createSystemOn(host, { seed: 1, report: false }) as ActorSystem;
      const began: string[] = [];
      let release: (() => void) | undefined;
      const ref = system.spawn((_: Self) => ({
        async first() {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          return "first";
        },
        second() {
          began.push("second");
        },
      }));
      const asked = settle(system.ask(ref, { within: 5 }).first());
      const queued = settle(system.ask(ref, { within: 5 }).second());
      await host.macrotask();
      await host.macrotask();
      expect(release).toBeDefined();
      host.spend(passedMs);
      release?.();
      await host.macrotask();
      expect(began).toEqual(ran);
      expect(await asked).toMatchObject(first);
      expect(await queued).toMatchObject(
        ran.length > 0 ? { ok: true } : { error: { code: "ASK_TIMEOUT", outcome: "not-started" } },
      );
      const [late, expired] = ran.length > 0 ? [0, 0] : [1, 1];
      expect(system.census()).toMatchObject({ late, expired });
      const stopped = system.stop();
      await host.settled();
      await stopped;
    },
  );
});
