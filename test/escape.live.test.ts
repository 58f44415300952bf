// Whatever a handler does, the host does not notice: no uncaught exception, no unhandled rejection, no silence. Tried
// in a process of its own, as a test runner has handlers for both.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import type { Result } from "./fixtures/escape.ts";

const thrown = ["crashed go"];

/** What the system says, for each case of the fixture. */
const reported: Record<string, string[]> = {
  "throws an error": thrown,
  "throws null": thrown,
  "throws undefined": thrown,
  "throws a string": thrown,
  "throws a symbol": thrown,
  "throws a frozen error": thrown,
  "throws an error whose message can not be read": thrown,
  "throws an object without a prototype": thrown,
  "throws an object whose toString throws": thrown,
  "throws a revoked proxy": thrown,
  "rejects later": thrown,
  "rejects with null": thrown,
  "returns a thenable that throws in then": thrown,
  "returns a thenable that resolves twice": [],
  // As with any promise: the first word counts.
  "returns a thenable that resolves and then throws": [],
  "returns a thenable that rejects and then throws": thrown,
  "returns an object whose then can not be read": thrown,
  "returns a promise whose then can not be read": thrown,
  "returns a promise whose then throws": thrown,
  "returns a promise with a constructor that can not be read": thrown,
  "returns a revoked proxy": thrown,
  // Odd, and none of our business: it is answered with.
  "returns a proxy whose prototype can not be read": [],
  "reads a payload that can not be read": thrown,
  "throws in its priority": ["crashed priority"],
  "gives no number as priority": ["crashed priority"],
  "throws in its backoff": ["crashed go", "system-failed"],
  "throws in a timer": ["crashed timer"],
  "rejects in a timer": ["crashed timer"],
  "throws in a watch": ["crashed watch"],
  "rejects in a pipe": ["crashed pipe"],
  "throws in what a pipe is done with": ["crashed pipe"],
  "pipes a thenable that throws": thrown,
  // At its restart and at the end.
  "disposes with a throw": ["crashed go", "crashed dispose", "crashed dispose"],
  "disposes with a rejection": ["crashed go", "crashed dispose", "crashed dispose"],
  "disposes with a thenable that throws": ["crashed go", "crashed dispose", "crashed dispose"],
  "makes a thenable that throws": ["crashed factory"],
  "makes a promise that rejects": ["crashed factory"],
  "makes an object whose then can not be read": ["crashed factory"],
  "makes nothing, and throws": ["crashed factory"],
  "asks in vain and does not wait": ["unheard"],
  "offers in vain and does not wait": ["unheard"],
  // Its asker was told at the fence; whatever it does after that changes nothing.
  "rejects after its fence": thrown,
  "rejects after it was given up": ["crashed go", "straggler"],
  "has a pipe that rejects after it stopped": thrown,
  "waits in vain for what the fence ended": thrown,
  "is heard by a listener that throws": thrown,
  "is heard by a listener that rejects": thrown,
  "is asked from outside, and nobody waits": ["crashed go", "crashed go", "unheard"],
  "throws in a listener of its signal": thrown,
};

/** Node throws what a listener of an AbortSignal throws in a tick of its own, out of anybody's reach. */
const beyond: Record<string, string[]> = {
  "throws in a listener of its signal": ["uncaughtException: abort listener"],
};

describe("the host", () => {
  let results: Record<string, Result> = {};
  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", "test/fixtures/escape.ts"]);
    results = JSON.parse(stdout) as Record<string, Result>;
  }, 60_000);

  test("sees every case of the fixture", () => {
    expect(Object.keys(results).sort()).toEqual(Object.keys(reported).sort());
  });

  test.each(Object.keys(reported))("[F1 live] does not suffer from an actor that %s, nor do others", (name) => {
    const { escaped, events, innocent, itself } = results[name] as Result;
    expect(escaped).toEqual(beyond[name] ?? []);
    expect(events).toEqual(reported[name]);
    expect(innocent).toBe(true);
    const ended = name === "throws in its backoff" || name === "has a pipe that rejects after it stopped";
    expect(itself).toBe(ended ? "ActorStopped" : "ok");
  });
});
