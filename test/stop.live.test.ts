import { stopConformance } from "./conformance/stop.ts";
import { live } from "./conformance/world.ts";

stopConformance(live);
