import { failureConformance } from "./conformance/failure.ts";
import { live } from "./conformance/world.ts";

failureConformance(live);
