import type { z } from "zod";
import { nearest, UsageError } from "#core";
import { readLayer } from "./layer.ts";
import { over, unfolded } from "./merge.ts";
import { didYouMean, formatPath } from "./problems.ts";
import { isNamed, keysOf, oneOf, schemasBelow } from "./schema-walk.ts";

type Schema = z.core.$ZodType;

/** What `--set` says: a value at a path. */
export interface Setting {
  /** As it was written: `candidates.full.epochs=3`. */
  readonly written: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** One step of a path: `.name`, `."name"`, `[0]` or `["name"]`. */
const STEP =
  /\.(?:"((?:[^"\\]|\\.)*)"|([^."=[\]\s]+))|\[(?:(\d+)|"((?:[^"\\]|\\.)*)")\]/y;

/**
 * Reads `candidates.full.epochs=3`. Names with dots are quoted, items of lists have
 * their number: `threatModels."linf-0.1".eps`, `gate[0]`. What follows = is YAML.
 *
 * @throws SETTING, SUITE_INVALID
 */
export function settingOf(written: string): Setting {
  const source = `.${written}`;
  const path: string[] = [];
  let end = 0;
  STEP.lastIndex = 0;
  for (let step = STEP.exec(source); step; step = STEP.exec(source)) {
    const [, quoted, bare, index, bracketed] = step;
    const name = (quoted ?? bracketed)?.replace(/\\(.)/g, "$1");
    path.push(name ?? bare ?? index ?? "");
    end = STEP.lastIndex;
  }
  if (path.length === 0 || source[end] !== "=")
    throw new UsageError(
      "SETTING",
      `--set ${written}: expected a path, = and a value`,
      `Write it like --set candidates.full.epochs=3, and a name with dots like --set 'threatModels."linf-0.1".eps=0.2'.`,
    );
  const { value } = readLayer(source.slice(end + 1), `--set ${written}`);
  return { written, path, value };
}

/**
 * A document with a setting put over it, by the rules of `over`. It says what is there
 * or could be: a name that a person chose has to be there.
 *
 * @param schemas of the document
 * @throws SETTING for a path that leads nowhere, with the nearest name
 */
export function withSetting(
  document: unknown,
  setting: Setting,
  schemas: readonly Schema[],
  depth = 0,
): unknown {
  const { path, value } = setting;
  const key = path[depth]!;
  const isLast = depth === path.length - 1;
  const below = (here: unknown) => {
    const inner = schemasBelow(schemas, key, document);
    return isLast
      ? over(here, value, inner)
      : withSetting(here, setting, inner, depth + 1);
  };
  if (Array.isArray(document)) {
    const index = /^\d+$/.test(key) ? Number(key) : document.length;
    if (index >= document.length)
      throw nowhere(setting, depth, `a number below ${document.length}`);
    return document.with(index, below(document[index]));
  }
  const map = unfolded(document ?? new Map(), schemas);
  if (!(map instanceof Map))
    throw nowhere(setting, depth, "none, since what is before it has no parts");
  if (!map.has(key)) requireKnown(setting, depth, map, schemas);
  if (isLast) return over(map, new Map([[key, value]]), schemas);
  return new Map([...map, [key, below(map.get(key))]]);
}

/** Refuses a name that is not there, and that no schema knows. */
function requireKnown(
  setting: Setting,
  depth: number,
  map: ReadonlyMap<string, unknown>,
  schemas: readonly Schema[],
): void {
  const key = setting.path[depth]!;
  const known = isNamed(schemas, map)
    ? [...map.keys()]
    : [...new Set(schemas.flatMap((one) => keysOf(one, map)))];
  if (known.includes(key)) return;
  throw nowhere(
    setting,
    depth,
    known.length > 0 ? oneOf(known) : "none",
    nearest(key, known),
  );
}

const nowhere = (
  { written, path }: Setting,
  depth: number,
  expected: string,
  meant?: string,
) =>
  new UsageError(
    "SETTING",
    `--set ${written}: found ${JSON.stringify(path[depth])} at ${formatPath(path.slice(0, depth))}, expected ${expected}${didYouMean(meant)}`,
    `Correct the path${meant?.includes(".") ? "; a name with dots is quoted" : ""}: assay validate --print shows the suite.`,
  );
