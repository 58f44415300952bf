// The syntax inside one line of CSV: fields (RFC 4180 §2, but a record never spans lines) and timestamps.

const field = /(?:[ \t]*"([^"]*(?:""[^"]*)*)"[ \t]*|((?![ \t]*")[^,]*))(,|$)/y;

/** The fields of a line with their quotes removed, or undefined when a quote is not closed or text follows it. */
export function fieldsOf(line: string): string[] | undefined {
  const fields: string[] = [];
  field.lastIndex = 0;
  while (true) {
    const match = field.exec(line);
    if (!match) return undefined;
    const [, quoted, plain = "", separator] = match;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (separator === "") return fields;
  }
}

const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:(Z)|([-+])(\d\d):?(\d\d))?)?$/i;

/**
 * Milliseconds since 1970 of `2014-04-10`, `2014-04-10 00:04`, `2014-04-10 00:04:00.250` or the same with `T`, and `Z`
 * or an offset such as `+02:00`; undefined for anything else and for days that do not exist. Without a zone it is
 * UTC: the same file means the same on every machine.
 */
export function timestampOf(text: string): number | undefined {
  const match = iso.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0)) as Six;
  const [offsetHour, offsetMinute] = [Number(match[10] ?? 0), Number(match[11] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const dayMs = Date.UTC(year, month - 1, day);
  // Date.UTC rolls 30 February over into March, and reads the years 0 to 99 as 1900 to 1999.
  const date = new Date(dayMs);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1) return undefined;
  const offsetMs = (offsetHour * 60 + offsetMinute) * 60_000 * (match[9] === "-" ? -1 : 1);
  const fractionMs = Number((match[7] ?? "").padEnd(3, "0").slice(0, 3));
  return dayMs + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs - offsetMs;
}

type Six = [number, number, number, number, number, number];
