import { parse as parseYaml } from "yaml";
import type { z } from "zod";
import type { Problem } from "./problems.ts";
import { accepts, isByName, isUngoverned, schemasAt } from "./schema-walk.ts";
import { Supplied } from "./supplied.ts";

/**
 * A document of which every map is a Map, with objects in their place, as most of a
 * schema expects them. What leads from names to something stays a Map, and so keeps the
 * order of its names; and so does what the schema says nothing of, such as the rest of
 * a suite where only its `use` is read.
 *
 * @param fill what stands for a value from the environment at a path
 */
export function withObjects(
  document: unknown,
  schema: z.ZodType,
  fill: (value: Supplied, path: readonly PropertyKey[]) => unknown,
): unknown {
  const replaced = (value: unknown, path: readonly PropertyKey[]): unknown => {
    if (value instanceof Supplied) return fill(value, path);
    if (Array.isArray(value))
      return value.map((one, i) => replaced(one, [...path, i]));
    if (!(value instanceof Map)) return value;
    const entries = Array.from(value, ([key, one]): [string, unknown] => [
      String(key),
      replaced(one, [...path, key]),
    ]);
    return isByName(schema, path, document) ||
      isUngoverned(schema, path, document)
      ? new Map(entries)
      : Object.fromEntries(entries);
  };
  return replaced(document, []);
}

/**
 * A value from the environment as a schema wants it: as text, or as the number or the
 * like that YAML reads in it where text is not expected.
 */
export function typedAs(schema: z.ZodType, document: unknown) {
  return ({ text }: Supplied, path: readonly PropertyKey[]): unknown => {
    const schemas = schemasAt(schema, path, document);
    if (schemas.length === 0 || accepts(schemas, text)) return text;
    return /^[\w.+-]{1,64}$/.test(text) ? parseYaml(text) : text;
  };
}

/** Names that an object cannot have; schemas pass over them in silence. */
export function lostNames(
  value: unknown,
  path: readonly PropertyKey[] = [],
): Problem[] {
  if (typeof value !== "object" || value === null) return [];
  const entries: Iterable<[PropertyKey, unknown]> =
    value instanceof Map || Array.isArray(value)
      ? value.entries()
      : Object.entries(value);
  const isObject = !(value instanceof Map || Array.isArray(value));
  return Array.from(entries).flatMap(([key, one]) =>
    isObject && key === "__proto__"
      ? [
          {
            path: [...path, key],
            kind: "unknown key" as const,
            message: "found this key, expected another name",
          },
        ]
      : lostNames(one, [...path, key]),
  );
}
