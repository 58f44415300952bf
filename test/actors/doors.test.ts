// Who imports the runtime, or its stock actors, pays for no library.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const libraries = ["effect", "xstate", "rxjs"];

/** Which of the libraries a process has loaded, as Node's own log says, once it has imported these files. */
async function loadedBy(...files: string[]): Promise<string[]> {
  const code = files.map((file) => `await import("./${file}");`).join("");
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", code],
    { env: { ...process.env, NODE_DEBUG: "esm" }, maxBuffer: 200_000_000 },
  );
  for (const file of files) expect(stderr).toContain(file);
  return libraries.filter((name) => stderr.includes(`/node_modules/${name}/`));
}

test("import of the runtime and of the stock actors loads none of the libraries of the other doors", async () => {
  expect(await loadedBy("src/index.ts", "src/actors/index.ts", "src/runtime/sim/index.ts")).toEqual([]);
}, 60_000);

test("import of these doors loads theirs", async () => {
  const doors = libraries.map((name) => `src/actors/${name}/index.ts`);
  expect(await loadedBy(...doors)).toEqual(libraries);
}, 60_000);
