// Compiles bench and src as the package is compiled, so that what is measured is what is shipped. (tsx would wrap each
// function in a call that keeps its name, which costs where actors are closures.)

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The compiled entry of a cell, and what removes it. It lies under node_modules, so that dependencies are found. */
export async function compile(): Promise<{ script: string; remove: () => Promise<void> }> {
  const cache = join(root, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, "antiphon-bench-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    // This package's own name, for `import "antiphon"`.
    const exports = { ".": "./src/index.js" };
    await writeFile(join(directory, "package.json"), JSON.stringify({ name: "antiphon", type: "module", exports }));
    const project = join(directory, "tsconfig.json");
    const emit = { noEmit: false, noCheck: true, declaration: false, isolatedDeclarations: false, sourceMap: true };
    await writeFile(
      project,
      JSON.stringify({
        extends: join(root, "tsconfig.json"),
        compilerOptions: { ...emit, rootDir: root, outDir: directory },
        include: [],
        files: [join(root, "bench", "cell.ts")],
      }),
    );
    const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
    await promisify(execFile)(process.execPath, [tsc, "-p", project]);
    return { script: join(directory, "bench", "cell.js"), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
