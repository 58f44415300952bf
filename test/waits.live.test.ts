import { waitsConformance } from "./conformance/waits.ts";
import { live } from "./conformance/world.ts";

waitsConformance(live);
