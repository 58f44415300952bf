// Text in columns for a terminal, and numbers short enough to be read there.

const none = /\p{Mark}|\p{Format}/u;
const two =
  /\p{Emoji_Presentation}|\p{sc=Han}|\p{sc=Hiragana}|\p{sc=Katakana}|\p{sc=Hangul}|[\u3000-\u303e\uff01-\uff60]/u;

/** How many columns of a terminal a text takes: wide characters take two, marks and colour codes none. */
export function width(text: string): number {
  let columns = 0;
  for (const character of stripAnsi(text)) columns += none.test(character) ? 0 : two.test(character) ? 2 : 1;
  return columns;
}

/**
 * Lays out rows in columns two spaces apart. The first row is the head. A column of numbers stands to the right, with
 * its head; any other to the left. An empty cell and `-` count as numbers.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const lines = rows.map(() => "");
  for (let column = 0; column < columns; column++) {
    const cells = rows.map((row) => row[column] ?? "");
    const widest = Math.max(...cells.map(width));
    const numbers = cells.slice(1).every((cell) => /^([-+<>~]?\d.*|-|)$/.test(stripAnsi(cell)));
    for (const [index, cell] of cells.entries()) {
      const space = " ".repeat(widest - width(cell));
      lines[index] += (column > 0 ? "  " : "") + (numbers && cells.length > 1 ? space + cell : cell + space);
    }
  }
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** A number for a reader: a whole one as it is, others with three digits or more; thousands apart. NaN and Infinity are `-`. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  const digits = value.toFixed(Number.isInteger(value) || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  return thousands(digits);
}

/** Digits with thousands apart, and without the sign of a 0. */
export function thousands(digits: string): string {
  return digits.replace(/^-(?=[0.]*$)/, "").replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
}

function stripAnsi(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour code begins with the control character ESC
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}
