import { outcomeConformance } from "./conformance/outcome.ts";
import { live } from "./conformance/world.ts";

outcomeConformance(live);
