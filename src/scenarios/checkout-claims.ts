// What people say about such designs, as predictions that can fail. Imported by checkout.ts.

import { type Check, type Claim, type Interval, type Measured, type Results, scaled } from "antiphon/lab";

interface Story {
  readonly services: Readonly<Record<"payment" | "inventory" | "email", number>>;
  readonly orderMs: number;
  readonly availability: number;
  /** The share of e-mails that take five seconds more. */
  readonly hiccup: number;
}

/** Of the runs without hiccups, 5,000 orders each, a mean is known to about 1 %. */
const tolerance = 0.01;
/** The mean of the slowest of six lognormal times, and the share of orders over a second without hiccups: by quadrature. */
const slowestMs = 216.6;
const seriesOver1s = 0.00646;
const parallelOver1s = 0.0003;

export function claims(story: Story): Claim[] {
  return [...ofTimes(story), ...ofLuck(story), ...ofHearsay(story)];
}

const of = (results: Results, run: string, design: string) => results[run]?.[design] as Measured;

function mean(results: Results, run: string, design: string, predicted: number, where = `${design}, no hiccup`): Check {
  return { where, predicted, measured: of(results, run, design).edge.mean, tolerance, unit: "ms" };
}

function sumOf({ services, orderMs }: Story): number {
  return Object.values(services).reduce((total, ms) => total + ms, orderMs);
}

function ofTimes(story: Story): Claim[] {
  const { services, orderMs } = story;
  const sum = sumOf(story);
  return [
    {
      id: "series",
      claim: "In series, times add up.",
      source: "sum of means",
      checks: (results) => [mean(results, "calm", "D1", sum)],
    },
    {
      id: "parallel",
      claim: "In parallel, the slowest decides.",
      source: "mean of the maximum",
      checks: (results) => [mean(results, "calm", "D2", orderMs + slowestMs)],
    },
    {
      id: "told",
      claim: "What is told is not waited for.",
      source: "sum of what is asked",
      checks: (results) => [
        mean(results, "calm", "D3", orderMs + services.payment + services.inventory),
        mean(results, "calm", "D4", orderMs),
      ],
    },
    {
      id: "off-path",
      claim: "Off the path, e-mail costs nothing.",
      source: "sum without it",
      checks: (results) => [mean(results, "told", "D1", sum - services.email, "D1, e-mail told")],
    },
  ];
}

function ofLuck({ availability, hiccup }: Story): Claim[] {
  const share = (where: string, predicted: number, measured: Interval): Check => ({
    where,
    predicted: 100 * predicted,
    measured: scaled(measured, 100),
    unit: "%",
  });
  const over = (results: Results, design: string, quiet: number): Check => ({
    ...share(
      `${design}, over 1 s`,
      quiet === 0 ? 0 : hiccup + (1 - hiccup) * quiet,
      of(results, "base", design).slower(1_000),
    ),
    tolerance: 0.05,
  });
  const success = (results: Results, design: string, factors: number) =>
    share(design, Math.exp(factors * Math.log(availability)), of(results, "base", design).success);
  return [
    {
      id: "tail",
      claim: "Who waits for a service that hangs, hangs too.",
      source: "total probability",
      checks: (results) => [
        over(results, "D1", seriesOver1s),
        over(results, "D2", parallelOver1s),
        over(results, "D3", 0),
        over(results, "D4", 0),
      ],
    },
    {
      id: "success",
      claim: "Whoever must answer can fail the order.",
      source: "product of availabilities",
      checks: (results) => [
        success(results, "D1", 7),
        success(results, "D2", 7),
        success(results, "D3", 3),
        success(results, "D4", 1),
      ],
    },
    {
      id: "regret",
      claim: "A yes before the check is a no afterwards.",
      source: "1 − 0.97 · 0.99",
      checks: (results) => [
        share("D4", 1 - 0.97 * 0.99, of(results, "base", "D4").regret),
        share("D3", 0, of(results, "base", "D3").regret),
      ],
    },
  ];
}

function ofHearsay(story: Story): Claim[] {
  const { services, availability } = story;
  return [
    {
      id: "half",
      claim: "Twice as fast is as good as off the path.",
      source: "often heard",
      checks: (results) => [mean(results, "half", "D1", sumOf(story) - services.email, "D1, e-mail in half the time")],
      says: `It saves half of the ${services.email} ms, not all of them.`,
    },
    {
      id: "faster",
      claim: "Asynchronous is faster.",
      source: "often heard",
      checks: (results) => [
        {
          where: "until answered, D3 against D1",
          relation: "below",
          predicted: of(results, "calm", "D1").edge.mean.value,
          measured: of(results, "calm", "D3").edge.mean,
          unit: "ms",
        },
        {
          where: "until done, D4 a tenth below D2",
          relation: "below",
          predicted: 0.9 * of(results, "calm", "D2").done.value,
          measured: of(results, "calm", "D4").done,
          unit: "ms",
        },
      ],
      says: "The answer comes earlier; the work takes as long. Asking at once helps too.",
    },
    {
      id: "resilient",
      claim: "Asynchronous is more resilient.",
      source: "often heard",
      checks: (results) => [
        {
          where: "success, D3 against D1",
          relation: "above",
          predicted: 100 * Math.exp(7 * Math.log(availability)),
          measured: scaled(of(results, "base", "D3").success, 100),
          unit: "%",
        },
        {
          where: "a yes that is taken back, D4",
          relation: "below",
          predicted: 0.1,
          measured: scaled(of(results, "base", "D4").regret, 100),
          unit: "%",
        },
      ],
      says: "Fewer orders fail, as long as the checks that can say no are still asked.",
    },
  ];
}
