import { isolationConformance } from "./conformance/isolation.ts";
import { live } from "./conformance/world.ts";

isolationConformance(live);
