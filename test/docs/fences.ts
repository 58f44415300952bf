// The marked fences of a page: listings are regions of compiled files, outputs are what programs print.
//   ```ts file=src/scenarios/hello.ts#program     the region, or without a # the whole file
//   ```text run=src/scenarios/hello.ts --flag     the standard output; with lines=3-9 at the end, those lines of it

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const fence = /^(```(\w*) ?(.*)\n)([\s\S]*?)^```$/gm;
const program = /^(ts|tsx|typescript|js|jsx|javascript|mts|mjs)$/;

/** The page as it has to be. Fails when a listing has no source, or a program does not end well. */
export async function refresh(page: string): Promise<string> {
  const bodies: string[] = [];
  for (const [, , language = "", marker = "", body = ""] of page.matchAll(fence)) {
    bodies.push((await contentOf(language, marker)) ?? body);
  }
  return page.replaceAll(fence, (_, head) => `${head}${bodies.shift()}\`\`\``);
}

async function contentOf(language: string, marker: string): Promise<string | undefined> {
  const [, how, what = ""] = /^(file|run)=(.+)$/.exec(marker) ?? [];
  if (program.test(language) && how !== "file") throw new Error(`a listing without file=: \`\`\`${language} ${marker}`);
  if (how === "file") return regionOf(what);
  if (how !== "run") return undefined;
  const [, command = "", first, last] = /^(.*?)(?: lines=(\d+)-(\d+))?$/.exec(what) ?? [];
  const output = await outputOf(command.split(" "));
  return first === undefined
    ? output
    : `${output
        .split("\n")
        .slice(Number(first) - 1, Number(last))
        .join("\n")}\n`;
}

function regionOf(what: string): string {
  const [path = "", region] = what.split("#");
  if (!/^(src|test|bench)\//.test(path) || path.startsWith("test/fixtures/planted/"))
    throw new Error(`${path} is not compiled`);
  const text = readFileSync(path, "utf8");
  if (!region) return text;
  const marked = String.raw`^( *)// #region ${region}\n([\s\S]*?)^ *// #endregion`;
  const [, indent = "", body] = new RegExp(marked, "m").exec(text) ?? [];
  if (body === undefined) throw new Error(`${path} has no region ${region}`);
  return body.replaceAll(new RegExp(`^${indent}`, "gm"), "");
}

async function outputOf([path = "", ...args]: string[]): Promise<string> {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined };
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", path, ...args], { env });
  return stdout.endsWith("\n") ? stdout : `${stdout}\n`;
}
