// Takes the samples. Per round and row one fresh process per subject; the subjects then take turns repetition by
// repetition, so that a machine that slows down for some seconds slows them all.

import { type ChildProcess, fork } from "node:child_process";
import { type RowName, rows, type SubjectName } from "./rows.ts";

export interface Plan {
  readonly rows: readonly RowName[];
  readonly subjects: readonly SubjectName[];
  readonly rounds: number;
  readonly reps: number;
}

/** Samples of one row: per subject, per round, the repetitions. */
export type Samples = { readonly [subject in SubjectName]?: readonly (readonly number[])[] };
export type Measured = { readonly [row in RowName]?: Samples };

const warmUps = 2;

export async function measure(script: string, plan: Plan, say: (progress: string) => void): Promise<Measured> {
  const measured: { [row in RowName]?: { [subject in SubjectName]?: number[][] } } = {};
  for (let round = 0; round < plan.rounds; round++) {
    for (const row of plan.rows) {
      say(`round ${round + 1} of ${plan.rounds}: ${row}`);
      // Another subject begins in each round: being first after a process start is an advantage or a burden.
      const first = round % plan.subjects.length;
      const order = [...plan.subjects.slice(first), ...plan.subjects.slice(0, first)];
      const samples = await turns(script, row, order, plan.reps);
      for (const [subject, values] of samples) ((measured[row] ??= {})[subject] ??= []).push(values);
    }
  }
  return measured;
}

async function turns(
  script: string,
  row: RowName,
  order: readonly SubjectName[],
  reps: number,
): Promise<Map<SubjectName, number[]>> {
  const once = rows[row].kind === "amount";
  const cells = order.map((subject) => new Cell(script, subject, row));
  const samples = new Map<SubjectName, number[]>(order.map((subject) => [subject, []]));
  try {
    for (let i = once ? warmUps : 0; i < warmUps + (once ? 1 : reps); i++) {
      for (const cell of cells) {
        const value = await cell.sample();
        if (i >= warmUps) samples.get(cell.subject)?.push(value);
      }
    }
  } finally {
    for (const cell of cells) cell.end();
  }
  return samples;
}

class Cell {
  readonly subject: SubjectName;
  readonly #row: RowName;
  readonly #process: ChildProcess;

  constructor(script: string, subject: SubjectName, row: RowName) {
    const size = subject === "nact" ? rows[row].sizeNact : rows[row].size;
    this.subject = subject;
    this.#row = row;
    this.#process = fork(script, [subject, row, String(size)], { execArgv: row === "idle" ? ["--expose-gc"] : [] });
  }

  sample(): Promise<number> {
    return new Promise((resolve, reject) => {
      const named = `${this.subject}, ${this.#row}`;
      const exited = (code: number | null): void => reject(new Error(`${named}: the process ended with ${code}.`));
      this.#process.once("exit", exited);
      this.#process.once("message", (answer: { value: number } | { failed: string }) => {
        this.#process.off("exit", exited);
        if ("failed" in answer) reject(new Error(`${named}: ${answer.failed}`));
        else resolve(answer.value);
      });
      this.#process.send("sample");
    });
  }

  end(): void {
    this.#process.kill();
  }
}
