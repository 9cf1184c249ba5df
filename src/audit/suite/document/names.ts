import type { z } from "zod";
import type { Problem } from "./problems.ts";
import { isByName, isUngoverned } from "./schema-walk.ts";

/**
 * A document of which every map is a Map, with objects in their place, as most of a
 * schema expects them. What leads from names to something stays a Map, and so keeps the
 * order of its names; and so does what the schema says nothing of, such as the rest of
 * a suite where only its `use` is read.
 */
export function withObjects(document: unknown, schema: z.ZodType): unknown {
  const replaced = (value: unknown, path: readonly PropertyKey[]): unknown => {
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
