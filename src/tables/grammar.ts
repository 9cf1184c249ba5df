import { UsageError } from "#core";

/**
 * A constraint as it is written, before its names are looked up; `from` and `to` are
 * places in the text.
 */
export type Node = { readonly from: number; readonly to: number } & (
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  /** Arithmetic, by the operator's sign, and functions, by their name. */
  | {
      readonly kind: "call";
      readonly name: string;
      readonly parts: readonly Node[];
    }
  /** Comparisons and what joins them. */
  | {
      readonly kind: "join";
      readonly name: string;
      readonly parts: readonly Node[];
    }
);

interface Token {
  readonly text: string;
  readonly from: number;
  readonly kind: "number" | "name" | "sign" | "end";
}

const TOKEN =
  /\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(`[^`]+`|[A-Za-z_][\w.]*(?::[\w.-]+)?)|(<=|>=|[-+*/^=(),]))/y;

/**
 * Nothing that a person writes is longer or nested deeper; what is could
 * exhaust the stack.
 */
const LONGEST = 2000;
const DEEPEST = 50;

/** Binary operators from the loosest on. */
const levels: readonly {
  readonly signs: readonly string[];
  readonly kind: "join" | "call";
}[] = [
  { signs: ["or"], kind: "join" },
  { signs: ["and"], kind: "join" },
  { signs: ["=", "<=", ">="], kind: "join" },
  { signs: ["+", "-"], kind: "call" },
  { signs: ["*", "/"], kind: "call" },
];

/**
 * Parses a constraint. Throws UsageError CONSTRAINT with the place of what is wrong.
 */
export function parse(text: string): Node {
  const refuse = (from: number, found: string, expected: string) =>
    new UsageError(
      "CONSTRAINT",
      `constraint "${text.slice(0, 200)}", character ${from + 1}: found ${found}, expected ${expected}`,
      "Write it like `total = a + b`, `a <= b or c = 0`, `rate = div(a, b, 0)`.",
    );
  if (text.length > LONGEST)
    throw refuse(LONGEST, "more", `at most ${LONGEST} characters`);
  const tokens = tokensOf(text, refuse);
  let at = 0;
  let depth = 0;
  const peek = () => tokens[at]!;
  const take = () => tokens[at++]!;
  const need = (sign: string) => {
    const token = take();
    if (token.text !== sign || token.kind !== "sign")
      throw refuse(token.from, shown(token), `"${sign}"`);
    return token.from + 1;
  };

  const binary = (level: number): Node => {
    const rule = levels[level];
    if (!rule) return signed();
    let left = binary(level + 1);
    while (rule.signs.includes(peek().text) && !peek().text.startsWith("`")) {
      const { text: name } = take();
      const right = binary(level + 1);
      const { kind } = rule;
      left = {
        kind,
        name,
        parts: [left, right],
        from: left.from,
        to: right.to,
      };
    }
    return left;
  };
  const signed = (): Node => {
    const { text: sign, from } = peek();
    if (sign !== "-") return power();
    take();
    const inner = nested(signed);
    const zero: Node = { kind: "number", value: 0, from, to: from };
    return {
      kind: "call",
      name: "-",
      parts: [zero, inner],
      from,
      to: inner.to,
    };
  };
  const power = (): Node => {
    const base = primary();
    if (peek().text !== "^") return base;
    take();
    const exponent = nested(signed);
    return {
      kind: "call",
      name: "^",
      parts: [base, exponent],
      from: base.from,
      to: exponent.to,
    };
  };
  const primary = (): Node => {
    const token = take();
    const { from } = token;
    const to = from + token.text.length;
    if (token.kind === "number")
      return { kind: "number", value: Number(token.text), from, to };
    if (token.kind === "name" && !["and", "or"].includes(token.text)) {
      if (peek().text === "(") return call(token);
      return { kind: "name", name: token.text.replaceAll("`", ""), from, to };
    }
    if (token.text === "(") {
      const inner = nested(() => binary(0));
      return { ...inner, from, to: need(")") };
    }
    throw refuse(from, shown(token), "a number, a column or a bracket");
  };
  const call = ({ text: name, from }: Token): Node => {
    need("(");
    const parts = [nested(() => binary(0))];
    while (peek().text === ",") {
      take();
      parts.push(nested(() => binary(0)));
    }
    return { kind: "call", name, parts, from, to: need(")") };
  };
  const nested = (read: () => Node): Node => {
    if (++depth > DEEPEST)
      throw refuse(peek().from, "more", `at most ${DEEPEST} nested brackets`);
    const node = read();
    depth--;
    return node;
  };

  const whole = binary(0);
  const last = peek();
  if (last.kind !== "end")
    throw refuse(last.from, shown(last), "an operator, and, or, or the end");
  return whole;
}

const shown = ({ kind, text }: Token) =>
  kind === "end" ? "the end" : `"${text}"`;

function tokensOf(
  text: string,
  refuse: (from: number, found: string, expected: string) => UsageError,
): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) {
      const rest = text.slice(from).trimStart();
      throw refuse(
        text.length - rest.length,
        `"${rest[0]}"`,
        rest[0] === "<" || rest[0] === ">"
          ? "<= or >= (a strict comparison means little between rounded numbers)"
          : "a number, a column, an operator or a bracket",
      );
    }
    const [all, number, name, sign] = match;
    const word = (number ?? name ?? sign) as string;
    tokens.push({
      text: word,
      from: from + all.length - word.length,
      kind: number ? "number" : name ? "name" : "sign",
    });
  }
  return [...tokens, { text: "", from: end, kind: "end" }];
}
