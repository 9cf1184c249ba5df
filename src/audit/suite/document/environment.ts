import { type Document, type Pair, visit } from "yaml";
import { pathAt } from "./places.ts";
import type { Located } from "./refused.ts";
import { Supplied } from "./supplied.ts";

/** The variables that a suite may name, and those that it did, with their values. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Undefined for one that is not set, whose default was taken. */
  readonly used: Map<string, string | undefined>;
}

const REFERENCE =
  /\$\$\{|\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<otherwise>[^{}]*))?\}|\$\{/g;

/** Nothing in a suite is secret, and what it says stands in results and reports. */
const SECRET =
  /token|secret|passw|passphrase|credential|private|(^|_)(api_?)?keys?(_|$)|(^|_)(pat|pwd|auth|cookie|session)(_|$)/i;

/**
 * Puts variables into the values of a document in place of `${NAME}` and
 * `${NAME:-default}`; `$${` stands for `${`. Keys stay as they are.
 *
 * @returns what is wrong with references
 */
export function fillIn(
  document: Document.Parsed,
  { variables, used }: Environment,
): Located[] {
  const problems: Located[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      const { value } = node;
      if (typeof value !== "string" || !value.includes("${")) return;
      const above = ancestors.at(-1) as Pair | undefined;
      if (key === "key" || above?.key === node) return;
      const offset = node.range?.[0] ?? 0;
      const wrong = (message: string) =>
        problems.push({
          offset,
          path: pathAt(document.contents, offset),
          message,
        });
      let isSupplied = false;
      const text = value.replace(REFERENCE, (found, ...rest) => {
        const { name, otherwise } = rest.at(-1) as {
          name?: string;
          otherwise?: string;
        };
        if (found === "$${") return "${";
        isSupplied = true;
        if (name === undefined)
          wrong(
            `found \${ without a variable, expected \${NAME}, \${NAME:-default}, or $\${ for these two characters`,
          );
        else if (SECRET.test(name))
          wrong(
            `found a variable that is most likely secret, ${name}, expected another: what a suite says stands in its results`,
          );
        else {
          const there = Object.hasOwn(variables, name)
            ? variables[name]
            : undefined;
          // An empty variable is none, as shells have it.
          const given = there === "" ? (otherwise ?? "") : (there ?? otherwise);
          used.set(name, there);
          if (given !== undefined) return given;
          wrong(
            `found the variable ${name}, which is not set; set it, or write \${${name}:-default}`,
          );
        }
        return "";
      });
      node.value = isSupplied ? new Supplied(value, text) : text;
    },
  });
  return problems;
}

/** The text of a value as a suite has to write it. */
export const escaped = (text: string): string => text.replaceAll("${", "$${");
