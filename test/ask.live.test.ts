import { askConformance } from "./conformance/ask.ts";
import { live } from "./conformance/world.ts";

askConformance(live);
