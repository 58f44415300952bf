// Prints `N passed, N failed` from vitest's reports. A test is counted once, and has failed if it failed in any of them.

import { existsSync, readFileSync } from "node:fs";

const passed = new Map();
for (const report of process.argv.slice(2)) {
  if (!existsSync(report)) {
    console.log("A run of the suite left no report.");
    process.exitCode = 1;
    continue;
  }
  for (const { name: file, status, assertionResults } of JSON.parse(readFileSync(report, "utf8")).testResults) {
    // A file that does not load has no tests to show for it.
    if (status === "failed" && assertionResults.length === 0) passed.set(file, false);
    for (const { fullName, status } of assertionResults) {
      const test = `${file} ${fullName}`;
      if (status === "passed" || status === "failed")
        passed.set(test, status === "passed" && passed.get(test) !== false);
    }
  }
}
const failures = [...passed.values()].filter((ok) => !ok).length;
console.log(`${passed.size - failures} passed, ${failures} failed`);
if (failures > 0 || passed.size === 0) process.exitCode = 1;
