import type { z } from "zod";
import { nearest } from "#core";
import {
  expectationOf,
  keysOf,
  nameOfType,
  oneOf,
  optionsOf,
  registered,
  schemasAt,
  valueAt,
} from "./schema-walk.ts";
import { Supplied } from "./supplied.ts";

type Schema = z.core.$ZodType;

type Issue = z.core.$ZodIssue;

type Range = z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig;

/** One thing that is wrong with a document, in words. */
export interface Problem {
  path: PropertyKey[];
  /** Whether the key itself is wrong or missing, rather than its value. */
  kind: "unknown key" | "missing" | "type" | "value" | "other";
  /** "found ..., expected ...". */
  message: string;
  /** The valid key that an unknown one most likely meant. */
  suggestion?: string;
}

/**
 * Puts what zod found wrong with `value` into words, digging into the option of a
 * union that fits best.
 */
export function problemsOf(
  issues: readonly Issue[],
  schema: Schema,
  value: unknown,
): Problem[] {
  return withoutEchoes(
    issues.flatMap((issue) => {
      const path = [...issue.path];
      const found = valueAt(value, path);
      const schemas = schemasAt(schema, path, value);
      if (found === undefined && path.length > 0 && issue.code !== "custom") {
        return [missing(path, issue, schemas, value)];
      }
      switch (issue.code) {
        case "unrecognized_keys":
          return issue.keys.map((key) => unknownKey(path, key, schemas, found));
        case "invalid_union":
          return unionProblems(path, issue, schemas, found);
        case "invalid_value":
          return [wrongName(path, issue.values, found)];
        default:
          return [wrongValue(path, issue, schemas, found)];
      }
    }),
  );
}

/** A key path as one writes it: `gate[0].robustAccuracy`. */
export function formatPath(path: readonly PropertyKey[]): string {
  const parts = path.map((key, i) => {
    if (typeof key === "number") return `[${key}]`;
    const name = String(key);
    if (!/^[\w$-]+$/.test(name)) return `[${JSON.stringify(name)}]`;
    return i === 0 ? name : `.${name}`;
  });
  return parts.length === 0 ? "top level" : parts.join("");
}

/** What was found, short enough for one line. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") {
    return JSON.stringify(
      value.length > 40 ? `${value.slice(0, 40)}...` : value,
    );
  }
  if (value instanceof Supplied) return `what ${value} gives`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "a map";
  return String(value);
}

/** `; did you mean "x"?`, or nothing. */
export function didYouMean(name: string | undefined): string {
  return name === undefined ? "" : `; did you mean "${name}"?`;
}

function missing(
  path: PropertyKey[],
  issue: Issue,
  schemas: readonly Schema[],
  value: unknown,
): Problem {
  const parent = path.slice(0, -1);
  const above = valueAt(value, parent);
  const tags = issue.code === "invalid_union" ? tagsOf(issue) : undefined;
  // A name that stands for a map with that tag: the name is wrong, no key is missing.
  if (tags && typeof above === "string") return wrongName(parent, tags, above);
  const expected = tags ? oneOf(tags) : anyOf(schemas);
  return {
    path,
    kind: "missing",
    message: `the key is missing, expected ${expected}`,
  };
}

function unknownKey(
  parent: PropertyKey[],
  key: string,
  schemas: readonly Schema[],
  found: unknown,
): Problem {
  const keys = [...new Set(schemas.flatMap((one) => keysOf(one, found)))];
  const free = keys.filter((name) => valueAt(found, [name]) === undefined);
  const suggestion = nearest(key, free);
  return {
    path: [...parent, key],
    kind: "unknown key",
    message: `found an unknown key, expected ${keys.length > 0 ? oneOf(keys) : "no key"}${didYouMean(suggestion)}`,
    suggestion,
  };
}

function wrongName(
  path: PropertyKey[],
  values: readonly z.core.util.Primitive[],
  found: unknown,
): Problem {
  const names = values.map(String);
  const guess = typeof found === "string" ? nearest(found, names) : undefined;
  return {
    path,
    kind: values.some((one) => typeof one === typeof found) ? "value" : "type",
    message: `found ${describeValue(found)}, expected ${oneOf(names)}${didYouMean(guess)}`,
  };
}

function wrongValue(
  path: PropertyKey[],
  issue: Issue,
  schemas: readonly Schema[],
  found: unknown,
): Problem {
  // A refinement speaks for itself.
  if (issue.code === "custom") {
    return { path, kind: "other", message: issue.message };
  }
  if (issue.code === "invalid_key") {
    const wanted = issue.issues.map(
      (one) => ownWords(one) ?? `expected ${expectedBy(one, [])}`,
    );
    return {
      path,
      kind: "unknown key",
      message: `found this key; ${wanted.join("; ")}`,
    };
  }
  const own = ownWords(issue);
  if (own !== undefined) {
    return {
      path,
      kind: "other",
      message: `found ${describeValue(found)}; ${own}`,
    };
  }
  const expected = expectedBy(issue, schemas);
  const quoted =
    typeof found === "string" &&
    /number/.test(expected) &&
    found.trim() !== "" &&
    Number.isFinite(Number(found));
  return {
    path,
    kind: issue.code === "invalid_type" ? "type" : "other",
    message: `found ${describeValue(found)}, expected ${expected}${quoted ? "; write it without quotes" : ""}`,
  };
}

/**
 * The message that the schema was given for a range or a format, rather than zod's own.
 */
function ownWords(issue: Issue): string | undefined {
  const mayHave = ["invalid_format", "too_small", "too_big"];
  const { code = "", message } = issue;
  const bespoke = !/^(Invalid|Too (small|big))/.test(message);
  return mayHave.includes(code) && bespoke ? message : undefined;
}

function unionProblems(
  path: PropertyKey[],
  issue: z.core.$ZodIssueInvalidUnion,
  schemas: readonly Schema[],
  found: unknown,
): Problem[] {
  const tags = tagsOf(issue);
  if (tags) return [wrongName(path, tags, found)];
  const options = schemas
    .map(optionsOf)
    .find((some) => some?.length === issue.errors.length);
  if (!options) return [plainly(path, schemas, found)];
  const branches = issue.errors.map((errors, i) =>
    problemsOf(errors, options[i]!, found),
  );
  const costs = branches.map(costOf);
  const least = Math.min(...costs);
  if (least === Number.POSITIVE_INFINITY)
    return [plainly(path, schemas, found)];
  const best = branches[costs.indexOf(least)] ?? [];
  return best.map((one) => ({ ...one, path: [...path, ...one.path] }));
}

/**
 * The valid tags, when no option of a discriminated union has the one that was found.
 */
function tagsOf(issue: z.core.$ZodIssueInvalidUnion): string[] | undefined {
  return "options" in issue ? issue.options?.map(String) : undefined;
}

/**
 * How far a value is from an option: infinitely, when it is of another type altogether.
 */
function costOf(problems: readonly Problem[]): number {
  let cost = 0;
  for (const { kind, path, suggestion } of problems) {
    if (kind === "type" && path.length === 0) return Number.POSITIVE_INFINITY;
    // A wrong name is most likely the tag of another option. A near miss is most likely
    // a slip in this one.
    if (kind === "value") cost += 3;
    else if (kind === "other" || suggestion !== undefined) cost += 1;
    else cost += 2;
  }
  return cost;
}

function plainly(
  path: PropertyKey[],
  schemas: readonly Schema[],
  found: unknown,
): Problem {
  return {
    path,
    kind: "type",
    message: `found ${describeValue(found)}, expected ${anyOf(schemas)}`,
  };
}

/**
 * Drops what only repeats another problem: the missing key that was misspelt, the
 * refinement of a map with unknown keys.
 */
function withoutEchoes(problems: readonly Problem[]): Problem[] {
  const unknown = problems.filter(({ kind }) => kind === "unknown key");
  if (unknown.length === 0) return [...problems];
  const parents = new Set(
    unknown.map(({ path }) => formatPath(path.slice(0, -1))),
  );
  const meant = new Set(
    unknown.flatMap(({ path, suggestion }) =>
      suggestion === undefined
        ? []
        : [formatPath([...path.slice(0, -1), suggestion])],
    ),
  );
  return problems.filter(({ kind, path }) => {
    const place = formatPath(path);
    if (kind === "missing") return !meant.has(place);
    return kind !== "other" || !parents.has(place);
  });
}

function anyOf(schemas: readonly Schema[]): string {
  const words = [...new Set(schemas.map(expectationOf))];
  return words.length > 0 ? words.join(" or ") : "a value";
}

function expectedBy(issue: Issue, schemas: readonly Schema[]): string {
  const words = schemas.map(registered).find((one) => one !== undefined);
  switch (issue.code) {
    case "invalid_type":
      if ("received" in issue) return "a finite number";
      // Text is refused as "no number" before it is refused as "no whole number".
      return ["number", "object"].includes(issue.expected) && schemas.length > 0
        ? anyOf(schemas)
        : (words ?? nameOfType(issue.expected));
    case "invalid_format":
      return (
        words ??
        ("pattern" in issue
          ? `text that matches ${issue.pattern}`
          : `a valid ${issue.format}`)
      );
    case "too_small":
      return rangeWords(issue, issue.minimum, ["at least", "more than"]);
    case "too_big":
      return rangeWords(issue, issue.maximum, ["at most", "less than"]);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    default:
      return "another value";
  }
}

function rangeWords(
  issue: Range,
  limit: number | bigint,
  [inclusive, exclusive]: readonly [string, string],
): string {
  const bound = issue.exact
    ? `exactly ${limit}`
    : `${issue.inclusive === false ? exclusive : inclusive} ${limit}`;
  switch (issue.origin) {
    case "string":
      return limit === 1 && !issue.exact
        ? "text that is not empty"
        : `text of ${bound} characters`;
    case "array":
    case "set":
      return `a list of ${bound} ${limit === 1 ? "item" : "items"}`;
    case "number":
    case "int":
      return bound;
    default:
      return `a map of ${bound} ${limit === 1 ? "key" : "keys"}`;
  }
}
