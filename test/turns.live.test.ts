import { turnsConformance } from "./conformance/turns.ts";
import { live } from "./conformance/world.ts";

turnsConformance(live);
