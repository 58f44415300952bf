// What a consumer gets: the packed package, installed in a project of its own, compiled there and run.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const compilers = {
  "5.9": "test/consumers/typescript-5.9/node_modules/typescript",
  "6.0": "test/consumers/typescript-6.0/node_modules/typescript",
  "7.0": "node_modules/typescript",
};

/** Where the names `AbortSignal` and `console` come from, and the doors that need no others. */
const hosts = {
  "Node's types": {
    options: { lib: ["es2023", "esnext.disposable"], types: ["node"], typeRoots: [resolve("node_modules/@types")] },
    doors: ["antiphon/actors", "antiphon/lab", "antiphon/testing"],
  },
  "a browser's types": {
    options: { lib: ["es2023", "esnext.disposable", "dom"], types: [] },
    doors: ["antiphon/actors"],
  },
};

const project = mkdtempSync(join(tmpdir(), "antiphon-consumer-"));
const run = promisify(execFile);
let packed: string[];

beforeAll(async () => {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project]);
  const [tarball] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [{ filename: string; files: { path: string }[] }];
  packed = tarball.files.map(({ path }) => path);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const quietly = ["--offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await run("npm", ["install", `./${tarball.filename}`, ...quietly], { cwd: project });
  // The peer of antiphon/testing, which a consumer installs.
  symlinkSync(resolve("node_modules/fast-check"), join(project, "node_modules/fast-check"));
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Compiles a program in the project, and gives what the compiler says and the path of what it made. */
async function compile(name: string, program: string, compiler: string, options: object) {
  const folder = join(project, name.replaceAll(/\W+/g, "-"));
  mkdirSync(folder);
  writeFileSync(join(folder, "program.ts"), program);
  const compilerOptions = { ...options, target: "es2023", module: "nodenext", strict: true, skipLibCheck: false };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  const says = await run(process.execPath, [resolve(compiler, "bin/tsc"), "-p", folder]).then(
    () => "",
    (failed) => failed.stdout,
  );
  return { says, program: join(folder, "program.js") };
}

describe("the packed package", () => {
  test("has what its doors name, its papers, and no sources, tests or scenarios", () => {
    const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as { exports: Record<string, object> };
    const named = Object.values(exports).flatMap((door) => (typeof door === "object" ? Object.values(door) : [door]));
    expect(packed).toEqual(expect.arrayContaining(named.map((path) => path.replace("./", ""))));
    expect(packed).toEqual(expect.arrayContaining(["README.md", "LICENSE", "CHANGELOG.md", "docs/guarantees.md"]));
    expect(packed.filter((path) => /^(src|test|bench)|scenarios|(?<!\.d)\.ts$/.test(path))).toEqual([]);
  });

  test("installs nothing else", () => {
    const lock = readFileSync(join(project, "package-lock.json"), "utf8");
    const { packages } = JSON.parse(lock) as { packages: object };
    expect(Object.keys(packages)).toEqual(["", "node_modules/antiphon"]);
  });

  const hello = readFileSync("README.md", "utf8");
  const [, program = ""] = /^```ts file=src\/scenarios\/hello\.ts.*\n([\s\S]*?)^```$/m.exec(hello) ?? [];
  const [, output = ""] = /^```text run=src\/scenarios\/hello\.ts.*\n([\s\S]*?)^```$/m.exec(hello) ?? [];

  const matrix = Object.entries(compilers).flatMap(([version, path]) =>
    Object.entries(hosts).map(([name, host]) => ({ version, path, name, host })),
  );

  test.each(matrix)(
    "compiles the README's program with TypeScript $version and $name, and it prints what the README says",
    async ({ version, path, name, host }) => {
      const doors = host.doors.map((door, i) => `export * as door${i} from "${door}";\n`);
      const compiled = await compile(`${version} ${name}`, program + doors.join(""), path, host.options);
      expect(compiled.says).toBe("");
      expect((await run(process.execPath, [compiled.program])).stdout).toBe(output);
    },
    60_000,
  );

  test("runs a worker in a thread", async () => {
    writeFileSync(join(project, "square.js"), "export default () => ({ of: (n) => n * n });");
    const program = `import { createSystem } from "antiphon";
      import { worker } from "antiphon/actors";
      const system = createSystem();
      const ref = system.spawn(worker(new URL("./square.js", import.meta.url)));
      console.log(await system.ask(ref).of(7));`;
    writeFileSync(join(project, "threads.js"), program);
    expect((await run(process.execPath, [join(project, "threads.js")])).stdout).toBe("49\n");
  }, 60_000);

  test("is looked at: a wrong use does not compile", async () => {
    const wrong = program.replace(".buy(sku)", ".buy(1)");
    const { says } = await compile("wrong use", wrong, compilers["7.0"], hosts["Node's types"].options);
    expect(says).toContain("Argument of type 'number' is not assignable to parameter of type 'string'.");
  }, 60_000);
});
