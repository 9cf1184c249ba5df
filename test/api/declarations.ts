import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packagePath } from "#core";

/** A declaration of a .d.ts file, without comments. */
export interface Declaration {
  readonly name: string;
  readonly file: string;
  readonly text: string;
}

interface Parsed {
  /** Declared here, by name; overloads in order. */
  readonly own: Map<string, string[]>;
  /** Names that come from elsewhere, with file and name there. */
  readonly from: Map<string, readonly [file: string, name: string]>;
  /** The same of names that are exported on. */
  readonly on: Map<string, readonly [file: string, name: string]>;
  readonly stars: string[];
}

const doors: Record<string, { source: string }> = JSON.parse(
  readFileSync(packagePath("package.json"), "utf8"),
).imports;

/** Reads the declarations that tsc wrote into a folder, and follows names in them. */
export function openDeclarations(folder: string) {
  const files = new Map<string, Parsed>();
  const fileOf = (from: string, specifier: string): string | undefined => {
    const source = specifier.startsWith("#")
      ? doors[specifier]?.source
      : specifier.startsWith(".")
        ? join(dirname(from), specifier)
        : undefined;
    return source && join(source).replace(/\.(js|ts)$/, ".d.ts");
  };
  const parsed = (file: string): Parsed => {
    const known = files.get(file) ?? parse(file, join(folder, file), fileOf);
    files.set(file, known);
    return known;
  };
  /** Where a name of a file is declared; undefined where that is outside. */
  const find = (
    file: string,
    name: string,
    isExport = false,
  ): Declaration | undefined => {
    if (!existsSync(join(folder, file))) return undefined;
    const { own, from, on, stars } = parsed(file);
    const texts = own.get(name);
    if (texts) return { name, file, text: texts.join("\n") };
    const [to, there] = (isExport ? on.get(name) : undefined) ??
      from.get(name) ?? ["", ""];
    if (to) return find(to, there, true);
    for (const star of isExport ? stars : []) {
      const found = find(star, name, true);
      if (found) return found;
    }
    return undefined;
  };
  return {
    /** Every name that an entry exports, with its declaration. */
    exportsOf(entry: string): Map<string, Declaration> {
      const { own, on, stars } = parsed(entry);
      const names = [
        ...stars.flatMap((star) => [...parsed(star).on.keys()]),
        ...[...own].flatMap(([name, texts]) =>
          texts.some((text) => text.startsWith("export ")) ? [name] : [],
        ),
        ...on.keys(),
      ];
      return new Map(
        names.toSorted().map((name) => {
          const found = find(entry, name, true);
          // From another package.
          const outside = { name, file: "", text: `export { ${name} };` };
          return [name, found ?? outside];
        }),
      );
    },
    find,
  };
}

function parse(
  file: string,
  path: string,
  fileOf: (from: string, specifier: string) => string | undefined,
): Parsed {
  const parsed: Parsed = {
    own: new Map(),
    from: new Map(),
    on: new Map(),
    stars: [],
  };
  for (const statement of statementsOf(readFileSync(path, "utf8"))) {
    const star = /^export (?:type )?\* from "([^"]+)"/.exec(statement);
    const to = star && fileOf(file, star[1]!);
    if (to) parsed.stars.push(to);
    const list =
      /^(import|export)(?: type)? \{([^}]*)\}(?: from "([^"]+)")?/.exec(
        statement,
      );
    if (list) {
      const [, kind, names = "", specifier] = list;
      const target = specifier === undefined ? file : fileOf(file, specifier);
      for (const one of names.split(",")) {
        const [name, as = name] = one
          .trim()
          .replace(/^type /, "")
          .split(" as ");
        if (!name || !as) continue;
        const place = [target ?? "", name] as const;
        (kind === "import" ? parsed.from : parsed.on).set(as, place);
      }
      continue;
    }
    const declared =
      /^(?:export )?(?:declare )?(?:abstract )?(?:const|function|class|interface|type|let) (\w+)/.exec(
        statement,
      );
    if (!declared) continue;
    const [, name = ""] = declared;
    parsed.own.set(name, [...(parsed.own.get(name) ?? []), statement]);
  }
  return parsed;
}

/** The statements of a file at its top level, without comments. */
function statementsOf(text: string): string[] {
  const plain = text
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/^\s*\/\/.*$/gm, "");
  const statements: string[] = [];
  for (const line of plain.split("\n")) {
    if (line.trim() === "") continue;
    // Inside a declaration every line is indented, or begins with a bracket or a bar.
    const begins = /^(export|import|declare|interface|type|const|function)\b/;
    if (begins.test(line) || statements.length === 0) statements.push("");
    statements.push(`${statements.pop()}${line.trimEnd()}\n`);
  }
  return statements.map((statement) => statement.trimEnd());
}

/** Types that a declaration names, and where they are declared. */
export function namedIn(
  { file, name: own, text }: Declaration,
  find: ReturnType<typeof openDeclarations>["find"],
): Declaration[] {
  const words = text
    .replaceAll(/"[^"]*"/g, "")
    .replaceAll(/typeof \w+/g, "")
    .matchAll(/(?<![.\w])[A-Z]\w*/g);
  const names = new Set(Array.from(words, ([word]) => word));
  names.delete(own);
  return [...names].flatMap((name) => find(file, name) ?? []);
}
