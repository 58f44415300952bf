import { receiveConformance } from "./conformance/receive.ts";
import { live } from "./conformance/world.ts";

receiveConformance(live);
