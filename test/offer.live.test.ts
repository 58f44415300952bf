import { offerConformance } from "./conformance/offer.ts";
import { live } from "./conformance/world.ts";

offerConformance(live);
