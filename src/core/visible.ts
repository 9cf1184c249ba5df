/** The most characters of one message. */
const LONGEST = 300;

/** How much of the end is kept of a message that is too long. */
const END = 100;

/**
 * What a terminal obeys and a reader does not see: control characters, those that turn
 * the reading direction, tags, halves of pairs.
 */
const unseen =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/**
 * Text from outside as it may be printed on one line: breaks and tabs are spaces, and
 * other characters that nobody sees stand by their code points.
 */
export function visible(text: string): string {
  return text
    .replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " ")
    .replace(unseen, escapeOf);
}

/** A message as one visible line of at most 300 characters: its middle is left out. */
export function line(text: string): string {
  const all = Array.from(visible(text.slice(0, 2 * LONGEST)));
  const whole = text.length <= 2 * LONGEST;
  if (whole && all.length <= LONGEST) return all.join("");
  const last = whole ? all : Array.from(visible(text.slice(-2 * END)));
  return `${all.slice(0, LONGEST - END - 1).join("")}…${last.slice(-END).join("")}`;
}

/**
 * A value with each text in it made a line, as the terminal shows it. Keys of objects
 * are texts as well.
 */
export function lines<T>(value: T): T {
  if (typeof value === "string") return line(value) as T;
  if (Array.isArray(value)) return value.map(lines) as T;
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Map)
    return new Map([...value].map(([k, v]) => [lines(k), lines(v)])) as T;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([k, v]) => [line(k), lines(v)]),
  ) as T;
}

/** JSON, indented, with characters that nobody sees as escapes of the same value. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return `${text.replace(unseen, (c) => (c === "\n" ? c : escapeOf(c)))}\n`;
}

/** Text of several lines without the characters that nobody sees. */
export const withoutUnseen = (text: string): string =>
  text.replace(unseen, (c) => (c === "\n" || c === "\t" ? c : ""));

/** As JSON writes it. */
function escapeOf(character: string): string {
  let text = "";
  for (let i = 0; i < character.length; i++)
    text += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return text;
}
