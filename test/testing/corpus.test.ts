import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidOption } from "antiphon";
import { fromToken, type Plan, type Stored, storedPlans, storePlan, tokenOf } from "antiphon/testing";
import { describe, expect, expectTypeOf, onTestFinished, test } from "vitest";
import { clerks, failure } from "./exploring.ts";

const plan: Plan = { seed: 1, time: "windows", faults: [], pairs: [] };

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "antiphon-corpus-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function caught(act: () => unknown): Error & { readonly code?: string; readonly path?: string } {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

/** Says that a file is not what it should be. */
function refusal(folder: string): InvalidOption {
  const error = caught(() => storedPlans(folder));
  expect(error).toBeInstanceOf(InvalidOption);
  return error as InvalidOption;
}

describe("storePlan", () => {
  test("keeps a case, or its token, as a file of JSON that people can read, in a folder that it makes", () => {
    const folder = join(newFolder(), "plans", "cart");
    const played = { inputs: { items: ["mug"] }, plan: { ...plan, times: 3 } };
    storePlan(folder, "a mug late", played);
    storePlan(folder, "as a token", tokenOf(played)!);
    expect(readdirSync(folder)).toEqual(["a mug late.plan.json", "as a token.plan.json"]);
    const text = readFileSync(join(folder, "a mug late.plan.json"), "utf8");
    expect(text).toBe(readFileSync(join(folder, "as a token.plan.json"), "utf8"));
    expect(text).toMatch(/^\{\n {2}"antiphon": 1,\n {2}"inputs": \{\n {4}"items": \[\n {6}"mug"\n/);
    expect(text.endsWith("}\n")).toBe(true);
    expect(JSON.parse(text)).toEqual({ antiphon: 1, ...played });
  });

  test("takes the place of a case of the same name", () => {
    const folder = newFolder();
    for (const n of [1, 2]) storePlan(folder, "one", { inputs: { n }, plan });
    expect(storedPlans(folder)).toEqual([{ name: "one", inputs: { n: 2 }, plan }]);
  });

  test.each(["", "a/b", "../a", "a\\b", "a\nb", "*", "naïve"])("refuses the name %j", (name) => {
    const folder = newFolder();
    const error = caught(() => storePlan(folder, name, { inputs: {}, plan }));
    expect(error).toBeInstanceOf(InvalidOption);
    expect(error).toMatchObject({ option: "name" });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("refuses inputs that can not be written, and what is no token", () => {
    const folder = newFolder();
    expect(caught(() => storePlan(folder, "one", { inputs: { act: () => {} }, plan }))).toMatchObject({
      _tag: "InvalidOption",
      option: "inputs",
    });
    expect(caught(() => storePlan(folder, "one", "antiphon1:e30"))).toMatchObject({ option: "token" });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("lets the errors of the file system pass, which name the path", () => {
    const folder = newFolder();
    writeFileSync(join(folder, "file"), "");
    const inFile = caught(() => storePlan(join(folder, "file"), "one", { inputs: {}, plan }));
    expect(inFile).toMatchObject({ code: "EEXIST", path: join(folder, "file") });
    mkdirSync(join(folder, "one.plan.json"));
    const onFolder = caught(() => storePlan(folder, "one", { inputs: {}, plan }));
    expect(onFolder).toMatchObject({ code: "EISDIR", path: join(folder, "one.plan.json") });
  });

  test.runIf(process.platform === "linux")("names the path also where the disk is full", () => {
    const folder = newFolder();
    symlinkSync("/dev/full", join(folder, "one.plan.json"));
    const error = caught(() => storePlan(folder, "one", { inputs: {}, plan }));
    expect(error).toMatchObject({ code: "ENOSPC", path: join(folder, "one.plan.json") });
  });
});

describe("storedPlans", () => {
  test("gives the cases of a folder, sorted by name, and nothing else that lies there", () => {
    const folder = newFolder();
    for (const name of ["b", "a", "c 10", "c 9", "B"]) storePlan(folder, name, { inputs: { name }, plan });
    writeFileSync(join(folder, "README.md"), "not a plan");
    writeFileSync(join(folder, "old.plan.json.bak"), "not a plan");
    const stored = storedPlans<{ name: string }>(folder);
    expect(stored.map(({ name }) => name)).toEqual(["B", "a", "b", "c 10", "c 9"]);
    expect(stored.map(({ inputs }) => inputs.name)).toEqual(stored.map(({ name }) => name));
    expectTypeOf(stored).toEqualTypeOf<readonly Stored<{ name: string }>[]>();
  });

  test("gives none where there is no such folder", () => {
    expect(storedPlans(join(newFolder(), "nowhere"))).toEqual([]);
  });

  test("lets other errors of the file system pass, which name the path", () => {
    const file = join(newFolder(), "file");
    writeFileSync(file, "");
    expect(caught(() => storedPlans(file))).toMatchObject({ code: "ENOTDIR", path: file });
  });

  test("refuses a file that is cut off anywhere, and names it", () => {
    const folder = newFolder();
    storePlan(folder, "fine", { inputs: {}, plan });
    const file = join(folder, "torn.plan.json");
    const whole = readFileSync(join(folder, "fine.plan.json"), "utf8").trimEnd();
    for (let length = 0; length < whole.length; length += 7) {
      writeFileSync(file, whole.slice(0, length));
      expect(refusal(folder)).toMatchObject({ option: file, message: expect.stringContaining("a stored plan, whole") });
    }
  });

  test.each<[string, unknown]>([
    ["no plan at all", null],
    ["a list", []],
    ["another program's file", { name: "package", version: "1.0.0" }],
    ["a later format", { antiphon: 2, inputs: {}, plan }],
    ["a plan without inputs", { antiphon: 1, plan }],
    ["inputs without a plan", { antiphon: 1, inputs: {} }],
    ["a plan without a seed", { antiphon: 1, inputs: {}, plan: { ...plan, seed: undefined } }],
    ["a fault that does not exist", { antiphon: 1, inputs: {}, plan: { ...plan, faults: [{ kind: "rain" }] } }],
    ["a pair of one", { antiphon: 1, inputs: {}, plan: { ...plan, pairs: [{ event: "/a>/b:c#1" }] } }],
  ])("refuses %s, and names the file", (_, content) => {
    const folder = newFolder();
    storePlan(folder, "fine", { inputs: {}, plan });
    writeFileSync(join(folder, "wrong.plan.json"), JSON.stringify(content));
    expect(refusal(folder).message).toContain(join(folder, "wrong.plan.json"));
  });

  test("refuses a folder that has the name of a case", () => {
    const folder = newFolder();
    mkdirSync(join(folder, "one.plan.json"));
    expect(refusal(folder).message).toContain("EISDIR");
  });
});

describe("a case that was kept", () => {
  const late = (noted: string) => expect(noted.startsWith("d")).toBe(false);

  test("is still failing, now passing, or without some of its names, whenever the program is tried again", async () => {
    const folder = newFolder();
    const { token } = await failure(clerks(late));
    storePlan(folder, "d is first", token!);
    const [stored] = storedPlans<{ paper: number }>(folder);
    expect(stored).toEqual({ name: "d is first", ...fromToken(token!) });
    const still = await clerks(late).replay(stored!);
    expect(still).toMatchObject({ outcome: "failing", gone: [], error: { name: "AssertionError" } });
    expect(await clerks(() => {}).replay(stored!)).toEqual({ outcome: "passing", gone: [], error: undefined });
    const { plan } = stored!;
    const pairs = plan.pairs.map(({ event, after }) => ({ event: event.replace("/a>", "/z>"), after }));
    const renamed = await clerks(late).replay({ ...stored!, plan: { ...plan, pairs } });
    expect(renamed.gone).toEqual(["/z>/desk:note#1"]);
    expect(renamed.outcome).toBe("passing");
  });
});
