import { contextConformance } from "./conformance/context.ts";
import { live } from "./conformance/world.ts";

contextConformance(live);
