import { refusalConformance } from "./conformance/refusal.ts";
import { live } from "./conformance/world.ts";

refusalConformance(live);
