import { deliveryConformance } from "./conformance/delivery.ts";
import { live } from "./conformance/world.ts";

deliveryConformance(live);
