// Plans of what exploration found in the runtime, each played again: it is not there any more.

import { storedPlans } from "antiphon/testing";
import { describe, expect, test } from "vitest";
import { type Kept, kept } from "./stored.ts";

describe("the runtime", () => {
  test.each(storedPlans<Kept>("test/plans/runtime"))("keeps its promises where $name", async (plan) => {
    expect(await kept(plan.inputs).replay(plan)).toEqual({ outcome: "passing", error: undefined, gone: [] });
  });
});
