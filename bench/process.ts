// A process that gives a sample when it is asked for one, so that the parent decides whose turn it is.

import { type ChildProcess, fork, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Sampler {
  /** Rejects when the process failed, ended, or took too long; then it has to be ended. */
  sample(): Promise<number>;
  end(): void;
}

/** Of one sample. Sizes are such that it takes below a second; this is for what hangs. */
const limitMs = 90_000;

interface Pending {
  resolve(value: number): void;
  reject(error: Error): void;
}

abstract class Sampling implements Sampler {
  readonly #process: ChildProcess;
  #pending: Pending | undefined;
  #failed: Error | undefined;

  constructor(process: ChildProcess) {
    this.#process = process;
    process.once("error", (error) => this.#fail(error));
    process.once("exit", (code, signal) => this.#fail(new Error(`the process ended with ${code ?? signal}`)));
  }

  sample(): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#failed !== undefined) return reject(this.#failed);
      const timer = setTimeout(() => this.#fail(new Error(`no sample within ${limitMs / 1_000} s`)), limitMs);
      const settled = <T>(settle: (with_: T) => void) => {
        return (with_: T) => {
          clearTimeout(timer);
          this.#pending = undefined;
          settle(with_);
        };
      };
      this.#pending = { resolve: settled(resolve), reject: settled(reject) };
      this.begin(this.#process);
    });
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }

  protected abstract begin(process: ChildProcess): void;

  protected answer(value: number | undefined, failed?: string): void {
    if (value === undefined) this.#pending?.reject(new Error(failed));
    else this.#pending?.resolve(value);
  }

  #fail(error: Error): void {
    this.#failed = error;
    this.#pending?.reject(error);
  }
}

/** A script of Node's that gets "sample" as a message and answers with one. */
export class NodeSampler extends Sampling {
  constructor(script: string, args: readonly string[], execArgv: readonly string[]) {
    const forked = fork(script, args, { execArgv: [...execArgv] });
    super(forked);
    forked.on("message", ({ value, failed }: { value?: number; failed?: string }) => this.answer(value, failed));
  }

  protected begin(process: ChildProcess): void {
    process.send("sample");
  }
}

/** A program that gets an empty line and answers with a line: a number, or what went wrong. */
export class LineSampler extends Sampling {
  constructor(program: string, args: readonly string[]) {
    const spawned = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    super(spawned);
    createInterface(spawned.stdout).on("line", (line) => {
      const value = Number(line);
      this.answer(line !== "" && Number.isFinite(value) ? value : undefined, line);
    });
  }

  protected begin(process: ChildProcess): void {
    process.stdin?.write("\n");
  }
}
