// The compiler, run on what must compile and on the mistakes that users make most.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

let said: string;

beforeAll(async () => {
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "test/fixtures/planted/types", "--pretty", "false"];
  said = await promisify(execFile)(process.execPath, tsc).then(
    () => "",
    (failed) => failed.stdout,
  );
}, 60_000);

/** What the compiler said about one file, with the lines that belong to it. */
function about(file: string): string {
  const paragraphs = said.split(/\n(?! )/);
  return paragraphs.filter((paragraph) => paragraph.startsWith(file)).join("\n");
}

describe("the types", () => {
  test("accept every right use and no wrong one", () => {
    expect(about("test/types/uses.ts")).toBe("");
  });

  test("are looked at: an expected error that does not come is an error", () => {
    expect(about("test/fixtures/planted/types/right.ts")).toContain(
      "(3,1): error TS2578: Unused '@ts-expect-error' directive.",
    );
  });
});

describe("the compiler's message", () => {
  test("for a wrong payload says which type was expected", () => {
    const message = "Argument of type 'number' is not assignable to parameter of type 'string'.";
    expect(about("test/fixtures/planted/types/payload.ts")).toContain(message);
  });

  test("for a typo names the message that was meant", () => {
    const message = "Property 'authorise' does not exist on type 'Ask<Payments>'. Did you mean 'authorize'?";
    expect(about("test/fixtures/planted/types/typo.ts")).toContain(message);
  });

  test("for a wrong ref names the missing message", () => {
    const lines = about("test/fixtures/planted/types/ref.ts").split("\n");
    expect(lines[0]).toContain("Type 'Ref<Inventory>' is not assignable to type 'Ref<Payments>'.");
    expect(lines[1]).toBe("  Property 'authorize' is missing in type 'Inventory' but required in type 'Payments'.");
  });
});
