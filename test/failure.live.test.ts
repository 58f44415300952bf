import { failureConformance } from "./conformance/failure.ts";
import { supervisionConformance } from "./conformance/supervision.ts";
import { watchConformance } from "./conformance/watch.ts";
import { live } from "./conformance/world.ts";

failureConformance(live);
supervisionConformance(live);
watchConformance(live);
