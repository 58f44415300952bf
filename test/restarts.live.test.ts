import { restartingConformance } from "./conformance/restarting.ts";
import { restartsConformance } from "./conformance/restarts.ts";
import { live } from "./conformance/world.ts";

restartsConformance(live);
restartingConformance(live);
