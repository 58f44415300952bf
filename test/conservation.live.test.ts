import { conservationConformance } from "./conformance/conservation.ts";
import { live } from "./conformance/world.ts";

conservationConformance(live);
