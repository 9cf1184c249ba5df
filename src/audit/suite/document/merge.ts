import type { z } from "zod";
import { accepts, schemasBelow, tagOf } from "./schema-walk.ts";

type Schema = z.core.$ZodType;

/**
 * A value with another put over it, as a suite is put over what it extends:
 *
 * - a map is merged with the map below it, key by key, and a text below it that names a
 *   unit is taken for `{ id: text }`;
 * - a map that says to be something else by its tag (`id`, `source`, `kind`, ...), and
 *   all that is no map, takes the place of what is below;
 * - nothing takes away what is below, but where nothing is a value itself, such as
 *   `patience: null`.
 *
 * @param schemas of the value
 */
export function over(
  below: unknown,
  above: unknown,
  schemas: readonly Schema[],
): unknown {
  const base = unfolded(below, schemas);
  if (!(above instanceof Map && base instanceof Map)) return above;
  const tag = tagOf(schemas);
  if (tag !== undefined && isOther(base.get(tag), above.get(tag))) return above;
  const whole = new Map<string, unknown>([...base, ...above]);
  for (const [key, value] of above) {
    if (!base.has(key)) continue;
    const inner = schemasBelow(schemas, key, whole);
    if (value === null && !accepts(inner, null)) whole.delete(key);
    else whole.set(key, over(base.get(key), value, inner));
  }
  return whole;
}

/** What a text stands for where maps have an id: the map that has no more. */
export const unfolded = (
  value: unknown,
  schemas: readonly Schema[],
): unknown =>
  typeof value === "string" && tagOf(schemas) === "id"
    ? new Map([["id", value]])
    : value;

const isOther = (below: unknown, above: unknown): boolean =>
  below !== undefined && above !== undefined && below !== above;
