import {
  type Document,
  isAlias,
  isCollection,
  isScalar,
  LineCounter,
  type Node,
  parseDocument as parseYaml,
  visit,
} from "yaml";
import type { z } from "zod";
import { messageOf, nearest, UsageError } from "#core";
import { lostNames, withObjects } from "./names.ts";
import { locator, pathAt, type Targets } from "./places.ts";
import {
  didYouMean,
  formatPath,
  type Problem,
  problemsOf,
} from "./problems.ts";
import { schemasAt } from "./schema-walk.ts";

const SHOWN = 5;

const DEEPEST = 100;

/** Characters of the longest document. */
const LONGEST = 2 ** 18;

/**
 * Reads a YAML or JSON document that a person wrote and checks it by a schema.
 * Throws SUITE_INVALID, whose message names the place, the key path, what was
 * found and what was expected of up to five problems, one a line.
 */
export function parseDocument<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
): T {
  const source = text.replace(/^\uFEFF/, "");
  const lines = new LineCounter();
  const reject = (found: Located[]) => invalid(file, lines, found);
  requireSmall(source, file);
  const document = parseYaml(source, {
    lineCounter: lines,
    prettyErrors: false,
    // A column called 2024 or 01 is called so.
    stringKeys: true,
    // The parser would compare each key with each other one.
    uniqueKeys: false,
  });
  const broken = [...syntaxProblems(document), ...repeatedKeys(document)];
  if (broken.length > 0) throw reject(broken);
  const { targets, problems } = aliasesOf(document);
  if (problems.length > 0) throw reject(problems);

  const value = withObjects(plainValue(document, reject), schema);
  const result = checked(value, schema);
  if (result.data !== undefined) return result.data;
  const offsetOf = locator(document, targets);
  throw reject(
    result.problems.map((problem) => ({
      offset: offsetOf(problem),
      path: problem.path,
      message: problem.message,
    })),
  );
}

/**
 * Checks a value that is there by a schema. Throws SUITE_INVALID, which names the keys.
 */
export function checkValue<T>(
  value: unknown,
  file: string,
  schema: z.ZodType<T>,
): T {
  const result = checked(value, schema);
  if (result.data !== undefined) return result.data;
  throw refused(
    file,
    result.problems.map(
      ({ path, message }) => `${file}: ${formatPath(path)}: ${message}`,
    ),
  );
}

/**
 * Checks what a function of the library was given by a schema. Throws ARGUMENT_INVALID,
 * which names the keys.
 *
 * @param what the argument, in the message
 */
export function checkArgument<T>(
  value: unknown,
  what: string,
  schema: z.ZodType<T>,
): T {
  const result = checked(value, schema);
  if (result.data !== undefined) return result.data;
  throw new UsageError(
    "ARGUMENT_INVALID",
    firstOf(
      result.problems.map(({ path, message }) =>
        [what, ...(path.length > 0 ? [formatPath(path)] : []), message].join(
          ": ",
        ),
      ),
    ),
    `Correct ${what}.`,
  );
}

function checked<T>(
  value: unknown,
  schema: z.ZodType<T>,
): { data?: T; problems: readonly Problem[] } {
  const result = schema.safeParse(value);
  if (!result.success)
    return { problems: problemsOf(result.error.issues, schema, value) };
  // A schema of a few keys says nothing of what is below the others.
  const lost = lostNames(value).filter(
    ({ path }) => schemasAt(schema, path.slice(0, 1), value).length > 0,
  );
  return { data: lost.length === 0 ? result.data : undefined, problems: lost };
}

interface Located {
  offset: number;
  path: readonly PropertyKey[];
  message: string;
}

function invalid(
  file: string,
  lines: LineCounter,
  problems: readonly Located[],
): UsageError {
  const sorted = problems.toSorted((a, b) => a.offset - b.offset);
  return refused(
    file,
    sorted.map(({ offset, path, message }) => {
      const { line, col } = lines.linePos(offset);
      return `${file}:${Math.max(1, line)}:${Math.max(1, col)}: ${formatPath(path)}: ${message}`;
    }),
  );
}

/** @param problems a line each */
function refused(file: string, problems: readonly string[]): UsageError {
  return new UsageError(
    "SUITE_INVALID",
    firstOf(problems),
    `Correct ${file} at ${problems.length === 1 ? "this place" : "these places"} and run the command again.`,
  );
}

function firstOf(problems: readonly string[]): string[] {
  const shown = problems.slice(0, SHOWN);
  const rest = problems.length - shown.length;
  if (rest > 0) shown.push(`and ${rest} more`);
  return shown;
}

/**
 * The parser descends by recursion, and the process dies of a stack overflow inside it;
 * so depth is bounded before, and length with it.
 */
function requireSmall(source: string, file: string): void {
  const refuse = (found: string) =>
    new UsageError(
      "SUITE_INVALID",
      `${file}:1:1: top level: found ${found}`,
      `Correct ${file} and run the command again.`,
    );
  if (source.length > LONGEST)
    throw refuse(
      `${source.length} characters, expected at most ${LONGEST} of a document that a person wrote`,
    );
  let depth = 0;
  let deepest = 0;
  for (const character of source) {
    if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}")
      depth = Math.max(0, depth - 1);
    deepest = Math.max(deepest, depth);
  }
  const indented = /^ {400}/m.test(source);
  const compact = /(?:[-?:][ \t]+){100}/.test(source);
  if (deepest > DEEPEST || indented || compact)
    throw refuse(
      `lists and maps nested too deep, expected at most ${DEEPEST} levels`,
    );
}

function syntaxProblems(document: Document.Parsed): Located[] {
  const all = [...document.errors, ...document.warnings].toSorted(
    (a, b) => a.pos[0] - b.pos[0],
  );
  return all.map((error, i) => {
    const [offset] = error.pos;
    // A damaged file has thousands, and only the first are shown.
    const path = i < SHOWN ? pathAt(document.contents, offset) : [];
    switch (error.code) {
      case "MULTIPLE_DOCS":
        return {
          offset,
          path: [],
          message: "found a second document after ---, expected one document",
        };
      default:
        return {
          offset,
          path,
          message: `found what is not valid YAML: ${error.message}`,
        };
    }
  });
}

function repeatedKeys(document: Document.Parsed): Located[] {
  const repeated: Located[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key) || key.value === "<<") continue;
        const offset = key.range?.[0] ?? 0;
        if (seen.has(key.value))
          repeated.push({
            offset,
            path:
              repeated.length < SHOWN ? pathAt(document.contents, offset) : [],
            message: "found the key a second time, expected each key once",
          });
        seen.add(key.value);
      }
    },
  });
  return repeated;
}

/** The most aliases of a document that a person wrote. */
const MOST_ALIASES = 1000;

/**
 * What each alias stands for; and as problems those without an anchor, those that would
 * hold themselves, and more than anybody writes, each of which the parser looks up in
 * all that is before it.
 */
function aliasesOf(document: Document.Parsed): {
  targets: Targets;
  problems: Located[];
} {
  const targets = new Map<unknown, unknown>();
  const problems: Located[] = [];
  const anchors = new Map<string, unknown>();
  visit(document, (_, node, ancestors) => {
    if (isCollection(node) || isScalar(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      return undefined;
    }
    if (!isAlias(node)) return undefined;
    const offset = node.range?.[0] ?? 0;
    const target = anchors.get(node.source);
    targets.set(node, target);
    const message =
      targets.size > MOST_ALIASES
        ? `found more than ${MOST_ALIASES} aliases, expected less of a document that a person wrote`
        : target === undefined
          ? `found the alias *${node.source}, expected an anchor of that name before it${didYouMean(nearest(node.source, [...anchors.keys()]))}`
          : ancestors.includes(target as Node)
            ? `found the alias *${node.source} inside what it stands for, expected it outside`
            : undefined;
    if (message === undefined) return undefined;
    problems.push({ offset, path: pathAt(document.contents, offset), message });
    return problems.length > SHOWN || targets.size > MOST_ALIASES
      ? visit.BREAK
      : undefined;
  });
  return { targets, problems };
}

function plainValue(
  document: Document.Parsed,
  reject: (problems: Located[]) => UsageError,
): unknown {
  try {
    return document.toJS({ maxAliasCount: 100, mapAsMap: true });
  } catch (error) {
    const message = /alias count/.test(messageOf(error))
      ? "found aliases that multiply beyond all use, expected at most 100"
      : `found what cannot be read: ${messageOf(error)}`;
    throw reject([{ offset: 0, path: [], message }]);
  }
}
