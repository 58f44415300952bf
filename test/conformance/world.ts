// What a conformance test may know of the world it runs in: the same bodies run in every world.

import { createSystem, type System, type SystemEvent, type SystemOptions } from "antiphon";
import { simulate } from "antiphon/sim";
import { expect } from "vitest";
import { audit } from "../../src/runtime/kernel/census.ts";
import type { ActorSystem } from "../../src/runtime/kernel/system.ts";
import type { SimWorld } from "../../src/runtime/sim/world.ts";

export interface Kit {
  readonly system: System;
  /** Every event so far, oldest first. */
  readonly events: readonly SystemEvent[];
  /** Resolves when no message is queued, running or waiting for room. */
  idle(): Promise<void>;
  /** Lets others have a turn, or a few. */
  breathe(): Promise<void>;
  /** Fails when one of the two conservation equations does not hold for the system or one of its actors. */
  conserve(): void;
}

export interface WorldUnderTest {
  readonly name: "live" | "sim";
  /** Runs `body` with a system of its own and stops that system afterwards; the books must balance at the end. */
  run(body: (kit: Kit) => Promise<void>, options?: SystemOptions): Promise<void>;
}

export const live: WorldUnderTest = {
  name: "live",
  async run(body, options = {}) {
    const system = createSystem({ seed: 1, report: false, ...options });
    const events: SystemEvent[] = [];
    system.events((event) => events.push(event));
    const conserve = () => expect(audit((system as ActorSystem).core)).toEqual([]);
    const breathe = () => new Promise<void>(setImmediate);
    const idle = async () => {
      const open = () => {
        const { queued, running, waitingForRoom } = system.census();
        return queued + running + waitingForRoom;
      };
      while (open() > 0) await breathe();
    };
    try {
      await body({ system, events, idle, breathe, conserve });
    } finally {
      await system.stop();
      conserve();
    }
  },
};

export const sim: WorldUnderTest = {
  name: "sim",
  async run(body, { speed: _, ...options } = {}) {
    const { report, ...rest } = options;
    await simulate(
      { isolation: "share", steps: 200_000, ...rest, ...(typeof report === "function" && { report }) },
      async ({ system, step }) => {
        const events: SystemEvent[] = [];
        system.events((event) => events.push(event));
        const conserve = () => expect(audit((system as ActorSystem).core)).toEqual([]);
        const breathe = async () => {
          await step();
        };
        const idle = async () => {
          const open = () => {
            const { queued, running, waitingForRoom } = system.census();
            return queued + running + waitingForRoom;
          };
          // A reply is no message: one that is there is waited for as well.
          const { world } = (system as ActorSystem).core;
          while ((open() > 0 || (world as SimWorld).hasEnabled) && (await step()));
        };
        try {
          await body({ system, events, idle, breathe, conserve });
        } finally {
          await system.stop();
          conserve();
        }
      },
    );
  },
};
