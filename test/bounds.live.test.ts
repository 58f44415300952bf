import { boundsConformance } from "./conformance/bounds.ts";
import { live } from "./conformance/world.ts";

boundsConformance(live);
