import { inheritConformance } from "./conformance/inherit.ts";
import { live } from "./conformance/world.ts";

inheritConformance(live);
