// Erlang/OTP as a peer, where it is installed: bench.erl compiled, and one scheduler, since all others have one thread.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { LineSampler, type Sampler } from "../process.ts";
import { type RowName, rows } from "../rows.ts";

const run = promisify(execFile);

export interface Erlang {
  readonly version: string;
  start(row: RowName, size: number): Sampler;
}

/** Undefined where there is no `erl` or `erlc`. `directory` is where the compiled module goes. */
export async function findErlang(directory: string): Promise<Erlang | undefined> {
  const says = 'io:format("~s, erts ~s", [erlang:system_info(otp_release), erlang:system_info(version)]), halt().';
  const found = await run("erl", ["-noshell", "-eval", says]).catch(() => undefined);
  if (found === undefined) return undefined;
  await run("erlc", ["-o", directory, join(import.meta.dirname, "bench.erl")]);
  return {
    version: found.stdout,
    start(row, size) {
      const { shape, of = 1 } = rows[row];
      const name = shape === "idle" ? row : shape;
      const flags = ["+S", "1", "+P", "4000000", "-noshell", "-pa", directory];
      return new LineSampler("erl", [...flags, "-run", "bench", "main", name, String(size), String(of)]);
    },
  };
}
