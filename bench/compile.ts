// Compiles bench and src as the package is built, so that what is measured is what is shipped. (tsx would wrap each
// function in a call that keeps its name, which costs where actors are closures.)

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** `entry` of this folder compiled, and what removes it. It lies under node_modules, so that dependencies are found. */
export async function compile(entry = "cell"): Promise<{ script: string; remove: () => Promise<void> }> {
  const cache = join(root, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, "antiphon-bench-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module" }));
    await build({
      absWorkingDir: root,
      entryPoints: [`bench/${entry}.ts`],
      outdir: directory,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20.19",
      sourcemap: true,
      external: ["nact"],
      logLevel: "warning",
    });
    return { script: join(directory, `${entry}.js`), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
