// The maker of live systems, and their default report.

import { InvalidOption } from "../kernel/failure.ts";
import { oneOf } from "../kernel/options.ts";
import { ActorSystem } from "../kernel/system.ts";
import type { System, SystemOptions } from "../kernel/verbs.ts";
import { type Host, node } from "./host.ts";
import { printReport } from "./report.ts";
import { LiveWorld } from "./world.ts";

/**
 * Starts a system on Node's event loop. An idle one does not keep the process alive; handlers that sleep, asks in
 * flight and timers of `after` do, timers of `every` do not.
 * Fails: InvalidOption.
 */
export function createSystem(options: SystemOptions = {}): System {
  return createSystemOn(node, options);
}

/** The same on another host. */
export function createSystemOn(host: Host, options: SystemOptions): System {
  const { name = "system", seed = drawSeed(), speed = 1, report = printReport() } = options;
  for (const option of Object.keys(options))
    if (!known.includes(option)) throw new InvalidOption(option, "an unknown option", known.join(", "));
  if (typeof name !== "string" || name === "") throw new InvalidOption("name", name, "a text that is not empty");
  if (!Number.isSafeInteger(seed)) throw new InvalidOption("seed", seed, "a whole number");
  if (!(Number.isFinite(speed) && speed > 0)) throw new InvalidOption("speed", speed, "a number above 0");
  if (report !== false && typeof report !== "function")
    throw new InvalidOption("report", report, "a function, or false");
  const isolation = oneOf("isolation", options.isolation, ["share", "freeze", "clone"]);
  return new ActorSystem(new LiveWorld(host, speed), {
    name,
    seed,
    isolation,
    report: report === false ? undefined : report,
  });
}

const known = ["name", "seed", "speed", "isolation", "report"];

function drawSeed(): number {
  return Math.floor(Math.random() * 4_294_967_296);
}
