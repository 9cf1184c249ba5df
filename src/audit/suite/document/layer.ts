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
import { messageOf, nearest, UsageError } from "#core";
import { type Environment, fillIn } from "./environment.ts";
import { locator, pathAt, type Targets } from "./places.ts";
import { didYouMean, type Problem } from "./problems.ts";
import { invalid, type Located, placeIn, shownProblems } from "./refused.ts";

const DEEPEST = 100;

/** Characters of the longest document. */
const LONGEST = 2 ** 18;

/** A YAML or JSON document that a person wrote, as it was read. */
export interface Layer {
  readonly file: string;
  /** Every map is a Map, so that no name of a document is the key of an object. */
  readonly value: unknown;
  /** Where in the source a problem of its value is. */
  offsetOf(problem: Pick<Problem, "path" | "kind">): number;
  /** `file:line:column` of a place in the source. */
  placeAt(offset: number): string;
}

/**
 * Reads a document.
 *
 * @param environment the variables that its values may name; none can where left out
 * @throws SUITE_INVALID, which names places and key paths
 */
export function readLayer(
  text: string,
  file: string,
  environment?: Environment,
): Layer {
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
  if (environment && problems.length === 0)
    problems.push(...fillIn(document, environment));
  if (problems.length > 0) throw reject(problems);
  const value = plainValue(document, reject);
  return {
    file,
    value,
    offsetOf: locator(document, targets),
    placeAt: (offset) => placeIn(file, lines, offset),
  };
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
    const path = i < shownProblems ? pathAt(document.contents, offset) : [];
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
              repeated.length < shownProblems
                ? pathAt(document.contents, offset)
                : [],
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
    return problems.length > shownProblems || targets.size > MOST_ALIASES
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
