import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "./files.ts";

/** One place in the source that makes an error with a code. */
export interface ErrorPlace {
  readonly code: string;
  /** Whether the command line or the suite is wrong: exit status 2. */
  readonly usage: boolean;
  /** What is said, with ... for what is filled in; nothing where it is not stated. */
  readonly message: string | null;
  /** What to do, in the same way. */
  readonly hint: string | null;
}

/** A call that makes an error, or names one in a record of a failure. */
const making = /\bnew (AssayError|UsageError|NoHands)\(|\bsuper\(\s*(?=")/g;

const named = /\bcode: "([A-Z][A-Z0-9_]+)"(?:,\s+hint: "([^"]+)")?/g;

const folders = ["src", "attacks", "defenses", "reports"];

/**
 * Every place in the source that makes an error with a code, by code. A package has the
 * source as it was built, which says the same.
 */
export function errorPlaces(): ErrorPlace[] {
  const isSource = existsSync(packagePath("src/core/error-places.ts"));
  const places = folders
    .map((folder) => packagePath(isSource ? folder : `dist/${folder}`))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(isSource ? ".ts" : ".js"))
        .sort()
        .flatMap((name) => placesIn(readFileSync(join(folder, name), "utf8"))),
    );
  return places.sort((a, b) =>
    a.code < b.code ? -1 : a.code > b.code ? 1 : 0,
  );
}

/** The errors that one file makes. */
export function placesIn(source: string): ErrorPlace[] {
  const made = Array.from(source.matchAll(making)).flatMap((match) => {
    const args = argumentsAt(source, match.index + match[0].length);
    return codesOf(source, args[0] ?? "").map((code) => ({
      code,
      usage: match[1] === "UsageError",
      message: textOf(args[1]),
      hint: textOf(args[2]),
    }));
  });
  const recorded = Array.from(
    source.matchAll(named),
    ([, code = "", hint = null]) => ({
      code,
      usage: false,
      message: null,
      hint,
    }),
  );
  return [...made, ...recorded.filter(({ code }) => !isForeign(code))];
}

/** Codes of Node's own, which errors of ours never have. */
const isForeign = (code: string) => /^(E[A-Z]+|ERR_.*)$/.test(code);

/** The codes that an expression may be: literals, or a constant of the file. */
function codesOf(source: string, expression: string): string[] {
  const constant = /^[A-Z_]+$/.exec(expression.trim())?.[0];
  const text = constant
    ? (new RegExp(`const ${constant} = ("[A-Z_]+")`).exec(source)?.[1] ?? "")
    : // Of a choice the condition is left out.
      expression.slice(expression.indexOf("?") + 1);
  return Array.from(
    text.matchAll(/"([A-Z][A-Z0-9_]+)"/g),
    ([, code = ""]) => code,
  );
}

/** The arguments of a call as they are written, from behind its parenthesis. */
function argumentsAt(source: string, from: number): string[] {
  const args: string[] = [];
  let depth = 0;
  let start = from;
  for (let i = from; i < source.length; i++) {
    const c = source[i]!;
    if (c === '"' || c === "'" || c === "`") i = endOfText(source, i);
    else if ("([{".includes(c)) depth++;
    else if (c === "," && depth === 0) {
      args.push(source.slice(start, i));
      start = i + 1;
    } else if (")]}".includes(c) && depth-- === 0)
      return [...args, source.slice(start, i)];
  }
  return args;
}

/** Where the text ends that begins with this quote. */
function endOfText(source: string, from: number): number {
  const quote = source[from]!;
  for (let i = from + 1; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === quote) return i;
    else if (quote === "`" && source.startsWith("${", i))
      i = endOfFilling(source, i + 2);
  }
  return source.length;
}

/** Where the braces end that fill something into a text. */
function endOfFilling(source: string, from: number): number {
  let depth = 0;
  for (let i = from; i < source.length; i++) {
    const c = source[i]!;
    if (c === '"' || c === "'" || c === "`") i = endOfText(source, i);
    else if (c === "{") depth++;
    else if (c === "}" && depth-- === 0) return i;
  }
  return source.length;
}

/**
 * The texts of an expression as people read them, of a choice each of them; null where
 * there is none.
 */
function textOf(expression = ""): string | null {
  let texts: string[] = [];
  for (let i = 0; i < expression.length; i++) {
    const c = expression[i]!;
    // Texts of a condition say nothing.
    if (/^ \?\s/.test(expression.slice(i - 1, i + 2))) texts = [];
    if (c !== '"' && c !== "'" && c !== "`") continue;
    const end = endOfText(expression, i);
    texts.push(literal(expression.slice(i + 1, end), c));
    i = end;
  }
  return texts.length > 0 ? texts.join(" / ") : null;
}

/** What stands between quotes, with ... for what is filled in. */
function literal(text: string, quote: string): string {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    if (quote === "`" && text.startsWith("${", i)) {
      i = endOfFilling(text, i + 2);
      out += "...";
    } else if (text[i] === "\\") out += text[++i];
    else out += text[i];
  }
  return out;
}
