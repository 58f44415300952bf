// Which failures are the same: what is found with one order must be what is found with a simpler one.

/**
 * The kind of an error and its message up to a colon, with what differs from run to run taken out: numbers, quotations,
 * paths.
 */
export function signatureOf(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${typeof error}`;
  const { code, property } = error as { code?: unknown; property?: unknown };
  const kind = [error.name, code, property].filter((part) => typeof part === "string").join(" ");
  if (typeof property === "string") return kind;
  const [line = ""] = error.message.split(/\n|: /);
  const text = line
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, "…")
    .replace(/\[[^\]]*\]|\{[^}]*\}/g, "…")
    .replace(/\/[\w./~>:#-]*/g, "/…")
    .replace(/-?\d+(\.\d+)?/g, "#")
    // However many there were.
    .replace(/(#|…)((, | and | → )(#|…))+/g, "$1");
  return `${kind}: ${text.trim()}`;
}
