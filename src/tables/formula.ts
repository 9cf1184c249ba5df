import { UsageError } from "#core";
import { type Node, parse } from "./grammar.ts";

/** A constraint as a suite states it. */
export interface Formula {
  readonly formula: string;
  /** How far the sides may be apart, in their own unit, beyond what float32 rounds. */
  readonly tolerance: number;
}

/** A number that is computed from a row. */
export type Quantity =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "feature"; readonly at: number }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly parts: readonly Quantity[];
    };

/** What has to hold of a row: comparisons, joined by "and" and "or". */
export type Relation =
  | {
      readonly kind: "=" | "<=";
      readonly left: Quantity;
      readonly right: Quantity;
      readonly tolerance: number;
      readonly text: string;
    }
  | {
      readonly kind: "and" | "or";
      readonly parts: readonly Relation[];
      readonly text: string;
    };

/** How many numbers a function takes. */
const functions: ReadonlyMap<string, readonly number[]> = new Map([
  ["div", [3]],
  ["log", [1, 2]],
  ["abs", [1]],
  ["min", [2]],
  ["max", [2]],
]);

/**
 * Reads a constraint over columns, in the manner of TabularBench (Simonetto et al.
 * 2024, arXiv:2408.07579): `=`, `<=` and `>=` between sums, products, quotients and
 * functions of columns, joined by `and` and `or`. `div(a, b, c)` is a / b, and c
 * where b is 0. `log(a, c)` is c where a is not positive. Names with other
 * characters than letters, digits, `_` and `.` stand in backticks. A value of a
 * category is `column:value`.
 *
 * @param names of the numbers of a row
 * @throws UsageError CONSTRAINT with the place of what is wrong
 */
export function readRelation(
  { formula, tolerance }: Formula,
  names: readonly string[],
): Relation {
  const places = new Map(names.map((name, at) => [name, at]));
  const refuse = (node: Node, found: string, hint: string) =>
    new UsageError(
      "CONSTRAINT",
      `constraint "${formula}", character ${node.from + 1}: ${found}`,
      hint,
    );

  const quantity = (node: Node): Quantity => {
    switch (node.kind) {
      case "number":
        return { kind: "constant", value: node.value };
      case "name": {
        const at = places.get(node.name);
        if (at !== undefined) return { kind: "feature", at };
        throw refuse(
          node,
          `"${node.name}" is no number of a row`,
          `Name a column, or column:value of a category: ${names.slice(0, 12).join(", ")}${names.length > 12 ? " ..." : ""}.`,
        );
      }
      case "join":
        throw refuse(
          node,
          `a condition ("${node.name}") where a number is expected`,
          "Compare numbers, and join comparisons with and, or.",
        );
      case "call": {
        const takes = functions.get(node.name);
        const isFunction = /^[a-z]/i.test(node.name);
        if (isFunction && !takes?.includes(node.parts.length))
          throw refuse(
            node,
            takes
              ? `${node.name} takes ${takes.join(" or ")} numbers`
              : `there is no function "${node.name}"`,
            `Functions are ${[...functions.keys()].join(", ")}.`,
          );
        return {
          kind: "call",
          name: node.name,
          parts: node.parts.map(quantity),
        };
      }
    }
  };

  const relation = (node: Node): Relation => {
    const text = formula.slice(node.from, node.to).trim();
    if (node.kind !== "join")
      throw refuse(
        node,
        "a number where a condition is expected",
        "Compare it: total = a + b.",
      );
    const [first, second] = node.parts as [Node, Node];
    switch (node.name) {
      case "and":
      case "or":
        return { kind: node.name, parts: node.parts.map(relation), text };
      default: {
        const [left, right] = [quantity(first), quantity(second)];
        return node.name === ">="
          ? { kind: "<=", left: right, right: left, tolerance, text }
          : { kind: node.name as "=" | "<=", left, right, tolerance, text };
      }
    }
  };
  return relation(parse(formula));
}
