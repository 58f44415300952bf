// A scenario as a command: arguments, help, exit codes, and what is known so far when somebody presses Ctrl-C.

import { InvalidOption } from "../runtime/kernel/failure.ts";
import { type Flag, type Flags, flagsHelp, readFlags } from "./flags.ts";

export interface Command<Known extends Record<string, Flag>> {
  /** What the help says above the flags: what it is for, with examples. */
  readonly help: string;
  /** `--help` and `-h` come by themselves. */
  readonly flags: Known;
  /** Gives the text for stdout. It may call `interrupted` with what makes that text early, on Ctrl-C. */
  run(given: Flags<Known>, interrupted: (known: () => string) => void): Promise<string>;
}

/**
 * Runs a command with the arguments of this process.
 *
 * Promises: stdout gets the text and nothing else. Arguments that can not be used (InvalidOption) give one line on
 * stderr that says what to type, nothing on stdout and exit code 2; Ctrl-C gives what is known and exit code 130.
 */
export async function command<const Known extends Record<string, Flag>>({
  flags,
  help,
  run,
}: Command<Known>): Promise<void> {
  const known = { ...flags, help: { short: "h", says: "this text" } };
  try {
    const given = readFlags(known, process.argv.slice(2));
    const text = given.help
      ? `${help}\n\n${flagsHelp(known)}`
      : await run(given as Flags<Known>, (soFar) => {
          process.once("SIGINT", () => process.stdout.write(`${soFar()}\n`, () => process.exit(130)));
        });
    process.stdout.write(`${text}\n`);
  } catch (error) {
    if (!(error instanceof InvalidOption)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}
