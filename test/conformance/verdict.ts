// An ask or offer in one word, for tables: how it ended and what its asker may do about it.

import { type Failure, settle } from "antiphon";

/** `ok`, or for example `AskTimeout, unknown`. */
export async function verdict(waiting: Promise<unknown>): Promise<string> {
  const end = await settle(waiting);
  return end.ok ? "ok" : said(end.error as Failure);
}

export function said(failure: Failure): string {
  return `${failure._tag}, ${failure.outcome}`;
}
