// Prints what a test of the cart prints when it fails.

import fc from "fast-check";
import { cart, shopping } from "./cart.ts";

try {
  await fc.assert(shopping(cart), { seed: 7, numRuns: 100 });
} catch (error) {
  console.log(((error as Error).cause as Error).message);
}
