import { conservationConformance } from "./conformance/conservation.ts";
import { turmoilConformance } from "./conformance/turmoil.ts";
import { live } from "./conformance/world.ts";

conservationConformance(live);
turmoilConformance(live);
