// All cases whose outcome is drawn. The suite plays them with few customers, `npm run validate` with many.

import type { Case } from "./finding.ts";
import { serviceCases } from "./services.ts";
import { stationCases } from "./stations.ts";

/** Each with draws of its own, whatever the seed. */
export const cases: readonly Case[] = [...stationCases, ...serviceCases].map((each, place) => ({
  ...each,
  run: (customers, seed) => each.run(customers, 1_000 * seed + place),
}));
