// Compiles bench and src as the package is built, so that what is measured is what is shipped. (tsx would wrap each
// function in a call that keeps its name, which costs where actors are closures.)

import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A folder under node_modules, so that dependencies are found, and what removes it. */
async function folder(): Promise<{ directory: string; remove: () => Promise<void> }> {
  const cache = join(root, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, "antiphon-bench-"));
  // Also when somebody pressed Ctrl-C.
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** `entry` of this folder compiled, and what removes it. */
export async function compile(entry = "cell"): Promise<{ script: string; remove: () => Promise<void> }> {
  const { directory, remove } = await folder();
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
      external: ["bullmq", "comedy", "effect", "lmdb", "msgpackr", "nact", "rxjs", "xstate"],
      logLevel: "warning",
    });
    return { script: join(directory, `${entry}.js`), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The doors of the package, bundled as `npm run build` does it: by the script of package.json, to another folder. */
export async function compileDoors(): Promise<{ doors: Map<string, string>; remove: () => Promise<void> }> {
  const { directory, remove } = await folder();
  try {
    const { name, scripts, exports } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      name: string;
      scripts: { bundle: string };
      exports: Record<string, { default: string } | string>;
    };
    const [tool = "", ...flags] = scripts.bundle.replace("--outdir=dist", `--outdir=${directory}`).split(" ");
    await promisify(execFile)(join(root, "node_modules", ".bin", tool), flags, { cwd: root });
    await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module", sideEffects: false }));
    const doors = new Map<string, string>();
    for (const [path, door] of Object.entries(exports))
      if (typeof door === "object")
        doors.set(path.replace(/^\./, name), join(directory, door.default.replace(/^\.\/dist/, "")));
    return { doors, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
