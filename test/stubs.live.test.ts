import { stubsConformance } from "./conformance/stubs.ts";
import { live } from "./conformance/world.ts";

stubsConformance(live);
