// The blast radius: when a service is down, or slow, who fails, and who waits?

import { compare, type Design, type Experiment } from "./compare.ts";
import { estimate } from "./estimate.ts";
import { type Interval, proportionInterval, scaled } from "./interval.ts";
import { type Measured, paired } from "./measured.ts";
import { down, slow } from "./outage.ts";
import { table } from "./table.ts";

export interface Radius {
  readonly service: string;
  readonly how: "down" | "slow";
  readonly design: string;
  /** Of the requests that were answered before, the share that fails. */
  readonly fails: Interval;
  /** How much longer those take that are answered in both, in ms. */
  readonly waits: Interval;
}

export interface Blast {
  /** For each service, down and slow, in each design. */
  readonly radii: readonly Radius[];
  /** Services as rows, designs as columns. */
  table(): string;
}

/** A slow service takes so many times as long. */
const slowTimes = 10;

/**
 * Runs each design again with each of its services down, and again with each ten times as slow, all the time.
 *
 * Fails: as {@link compare}. Cost: two runs of every design for each service; a load of some hundred requests will do.
 */
export async function blast<D extends Design, P>(experiment: Experiment<D, P>): Promise<Blast> {
  const { claims: _, variants: __, progress, ...plain } = experiment;
  const { load, faults = [], level = 0.999 } = plain;
  const calm = await compare({
    ...plain,
    ...(progress && { progress: (share: number, soFar) => progress(share / 2, soFar) }),
  });
  const services = servicesOf(Object.values(calm.designs));
  // As long as the load lasts, and all who come late.
  const to = 100 * load.lastsMs + 3_600_000;
  const variants = Object.fromEntries(
    services.flatMap((service) => [
      [`${service} down`, { faults: [down(service, { to }), ...faults] }],
      // Of faults that make one slow, the first counts.
      [`${service} slow`, { faults: [slow(service, { times: slowTimes }), ...faults] }],
    ]),
  );
  const struck = await compare({
    ...plain,
    designs: plain.designs,
    variants,
    ...(progress && { progress: (share: number, soFar) => progress((1 + share) / 2, soFar) }),
  });
  const radii = services.flatMap((service) =>
    (["down", "slow"] as const).flatMap((how) =>
      Object.entries(calm.designs).map(([design, before]): Radius => {
        const after = struck.results[`${service} ${how}`]?.[design] as Measured;
        return { service, how, design, ...radiusOf(before, after, level) };
      }),
    ),
  );
  return { radii, table: () => tableOf(services, Object.keys(calm.designs), radii) };
}

/** All that handled something, but the entry: without it nothing is left to say. */
function servicesOf(designs: readonly Measured[]): string[] {
  return [
    ...new Set(
      designs.flatMap(({ services, entry }) => services.map(({ path }) => path).filter((path) => path !== entry)),
    ),
  ];
}

function radiusOf(before: Measured, after: Measured, level: number): Pick<Radius, "fails" | "waits"> {
  const answered = after.outcomes.filter((_, i) => before.outcomes[i]?.kind === "ok");
  const hits = answered.filter(({ kind }) => kind === "failed").length;
  return {
    fails: proportionInterval({ hits, of: answered.length }, { level }),
    waits: paired(before.outcomes, after.outcomes, level),
  };
}

function tableOf(services: readonly string[], designs: readonly string[], radii: readonly Radius[]): string {
  const cell = (service: string, how: Radius["how"], design: string) => {
    const found = radii.find((one) => one.service === service && one.how === how && one.design === design);
    return found === undefined ? "-" : radiusText(found);
  };
  const rows = services.flatMap((service) =>
    (["down", "slow"] as const).map((how) => [
      `${service} ${how}`,
      ...designs.map((design) => cell(service, how, design)),
    ]),
  );
  return table([["", ...designs], ...rows]);
}

function radiusText({ fails, waits }: Radius): string {
  const parts = [
    ...(fails.value > 0 ? [`${estimate(scaled(fails, 100), "%")} fail`] : []),
    ...(waits.low > 0 ? [`wait ${estimate(waits, "ms")}`] : []),
  ];
  return parts.join(", ") || "go on";
}
