import type { CatalogEntry } from "#audit";
import type { ErrorPlace } from "#core";
import { columns } from "./format.ts";

/** An entry of the catalog, with its kind. */
export interface Explained extends CatalogEntry {
  readonly kind: string;
}

const WIDTH = 80;

/** A thing that a suite can name, or a check, for a terminal. */
export function explanation(entry: Explained): string {
  const { id, title, kind, params } = entry;
  return [
    `${id}: ${title} (${kind})`,
    ...paragraphs(entry),
    facts(entry),
    parameters(params as Params | undefined),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** An error code, with all that it says and what to do then, for a terminal. */
export function codeExplanation(
  code: string,
  places: readonly ErrorPlace[],
): string {
  const asked = places.filter(({ usage }) => usage).length;
  const kind =
    asked === 0
      ? "something failed, exit status 1"
      : asked === places.length
        ? "what was asked for is wrong, exit status 2"
        : "exit status 2 where what was asked for is wrong, else 1";
  const said = places.map(({ message, hint }) =>
    [
      folded(message ?? "..."),
      ...(hint ? [folded(`What to do: ${hint}`)] : []),
    ].join("\n"),
  );
  return [`${code}: ${kind}`, ...new Set(said)].join("\n\n");
}

const HEADS = [
  ["summary", ""],
  ["meaning", ""],
  ["advice", "What to do: "],
  ["threat", "The attacker: "],
  ["caution", "When not to trust it: "],
] as const;

const paragraphs = (entry: Explained): string[] =>
  HEADS.flatMap(([key, head]) => {
    const text = entry[key];
    return typeof text === "string" && text !== ""
      ? [folded(head + text[0]?.toUpperCase() + text.slice(1))]
      : [];
  });

const FACTS = ["access", "family", "norms", "needs", "file", "reference"];

const facts = (entry: Explained): string =>
  columns(
    FACTS.filter((key) => entry[key] !== undefined).map((key) => [
      key,
      [entry[key]].flat().join(", "),
    ]),
  );

type Params = Readonly<
  Record<
    string,
    { default?: unknown; description?: string; enum?: readonly unknown[] }
  >
>;

function parameters(params: Params = {}): string {
  const rows = Object.entries(params).map(([name, schema]) => [
    name,
    schema.default === undefined ? "" : JSON.stringify(schema.default),
    [schema.description, schema.enum?.join(" | ")].filter(Boolean).join(": "),
  ]);
  return rows.length === 0
    ? ""
    : columns([["parameter", "default", ""], ...rows]);
}

/** Text in lines that fit a terminal. */
function folded(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
