import { drawsConformance } from "./conformance/draws.ts";
import { live } from "./conformance/world.ts";

drawsConformance(live);
