import { forwardConformance } from "./conformance/forward.ts";
import { live } from "./conformance/world.ts";

forwardConformance(live);
