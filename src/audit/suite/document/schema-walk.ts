import { z } from "zod";
import { expectations } from "#core";

type Schema = z.core.$ZodType;

/**
 * The schemas that govern the value at `path`; several where a union leaves it open.
 */
export function schemasAt(
  schema: Schema,
  path: readonly PropertyKey[],
  value: unknown,
): Schema[] {
  let schemas = [schema];
  let here = value;
  for (const key of path) {
    schemas = schemasBelow(schemas, key, here);
    here = valueAt(here, [key]);
  }
  return schemas;
}

/** The schemas of what stands under a key of `here`, which these govern. */
export const schemasBelow = (
  schemas: readonly Schema[],
  key: PropertyKey,
  here: unknown,
): Schema[] =>
  schemas.flatMap((one) => expand(one, here)).flatMap((one) => child(one, key));

/** Whether a value is right by one of the schemas. */
export const accepts = (schemas: readonly Schema[], value: unknown): boolean =>
  schemas.some((one) => z.core.safeParse(one, value).success);

/** The key by which maps of these schemas say what they are: `id`, `source`, ... */
export const tagOf = (schemas: readonly Schema[]): string | undefined =>
  schemas.map(peel).find((one) => one instanceof z.core.$ZodDiscriminatedUnion)
    ?._zod.def.discriminator;

/** Whether maps of these schemas lead from names that a person chose. */
export const isNamed = (schemas: readonly Schema[], value: unknown): boolean =>
  schemas
    .flatMap((one) => expand(one, value))
    .some(
      (one) =>
        one instanceof z.core.$ZodMap || one instanceof z.core.$ZodRecord,
    );

/** The value at `path`; undefined when there is none. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here =
      here instanceof Map
        ? here.get(key)
        : Object.hasOwn(here, key)
          ? (here as Record<PropertyKey, unknown>)[key]
          : undefined;
  }
  return here;
}

/** Whether a value at `path` keeps its keys as they were written. */
export const isByName = (
  schema: Schema,
  path: readonly PropertyKey[],
  value: unknown,
): boolean =>
  schemasAt(schema, path, value)
    .flatMap((one) => expand(one, valueAt(value, path)))
    .some((one) => one instanceof z.core.$ZodMap);

/** Whether the schema says nothing of a value at `path`. */
export const isUngoverned = (
  schema: Schema,
  path: readonly PropertyKey[],
  value: unknown,
): boolean =>
  schemasAt(schema, path, value).every(
    (one) => one instanceof z.core.$ZodUnknown,
  );

/**
 * The options of a union without its optional, default and pipe wrappers; undefined
 * for other schemas.
 */
export function optionsOf(schema: Schema): readonly Schema[] | undefined {
  const inner = peel(schema);
  return inner instanceof z.core.$ZodUnion ? inner._zod.def.options : undefined;
}

/** The keys that an object of this schema may have. */
export function keysOf(schema: Schema, value: unknown): string[] {
  return expand(schema, value).flatMap((one) => {
    if (one instanceof z.core.$ZodObject)
      return Object.keys(one._zod.def.shape);
    if (one instanceof z.core.$ZodRecord) {
      return [...(one._zod.def.keyType._zod.values ?? [])].map(String);
    }
    return [];
  });
}

/** What the schema expects, in words: "a whole number", "one of pgd, fgsm". */
export function expectationOf(schema: Schema): string {
  const words = registered(schema);
  if (words !== undefined) return words;
  const inner = peel(schema);
  if (inner instanceof z.core.$ZodEnum || inner instanceof z.core.$ZodLiteral) {
    return oneOf([...(inner._zod.values ?? [])].map(String));
  }
  if (inner instanceof z.core.$ZodDiscriminatedUnion) {
    const { discriminator, options } = inner._zod.def;
    const tags = options.flatMap((option) => [
      ...(option._zod.propValues?.[discriminator] ?? []),
    ]);
    return `a map with ${discriminator} ${oneOf(tags.map(String))}`;
  }
  if (inner instanceof z.core.$ZodUnion) {
    return [...new Set(inner._zod.def.options.map(expectationOf))].join(" or ");
  }
  const whole = inner instanceof z.ZodNumber && inner.isInt;
  return nameOfType(whole ? "int" : inner._zod.def.type);
}

/** The words registered for a schema or for what it wraps. */
export function registered(schema: Schema): string | undefined {
  for (let one: Schema | undefined = schema; one; one = unwrap(one)) {
    const words = expectations.get(one)?.expected;
    if (words !== undefined) return words;
  }
  return undefined;
}

/** Plain words for zod's name of a type. */
export function nameOfType(type: string): string {
  return typeNames[type] ?? "a value";
}

/** "x" for one, "one of x, y, z" for more, cut after the first ten. */
export function oneOf(names: readonly string[]): string {
  if (names.length === 1) return names.join();
  const rest = names.length - 10;
  const shown = names.slice(0, 10).join(", ");
  return `one of ${shown}${rest > 0 ? ` and ${rest} more` : ""}`;
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a map",
  record: "a map",
  map: "a map",
  array: "a list",
  tuple: "a list",
  null: "nothing",
};

/**
 * Every concrete schema that `value` may be held against: the options of unions, both
 * sides of intersections.
 */
function expand(schema: Schema, value: unknown): Schema[] {
  const inner = peel(schema);
  if (inner instanceof z.core.$ZodDiscriminatedUnion) {
    const { discriminator, options } = inner._zod.def;
    const tag = valueAt(value, [discriminator]);
    const meant = options.filter((option) =>
      option._zod.propValues?.[discriminator]?.has(
        tag as z.core.util.Primitive,
      ),
    );
    return (meant.length > 0 ? meant : options).flatMap((option) =>
      expand(option, value),
    );
  }
  if (inner instanceof z.core.$ZodUnion) {
    return inner._zod.def.options.flatMap((option) => expand(option, value));
  }
  if (inner instanceof z.core.$ZodIntersection) {
    const { left, right } = inner._zod.def;
    return [...expand(left, value), ...expand(right, value)];
  }
  return [inner];
}

function child(schema: Schema, key: PropertyKey): Schema[] {
  if (schema instanceof z.core.$ZodObject) {
    const { shape, catchall } = schema._zod.def;
    const found = Object.hasOwn(shape, key) ? shape[String(key)] : catchall;
    return found ? [found] : [];
  }
  if (schema instanceof z.core.$ZodRecord || schema instanceof z.core.$ZodMap)
    return [schema._zod.def.valueType];
  if (schema instanceof z.core.$ZodArray) return [schema._zod.def.element];
  if (schema instanceof z.core.$ZodTuple) {
    const { items, rest } = schema._zod.def;
    const found = items[Number(key)] ?? rest;
    return found ? [found] : [];
  }
  return [];
}

function peel(schema: Schema): Schema {
  let one = schema;
  for (let next = unwrap(one); next; next = unwrap(one)) one = next;
  return one;
}

function unwrap(schema: Schema): Schema | undefined {
  if (schema instanceof z.core.$ZodLazy) return schema._zod.innerType;
  if (schema instanceof z.core.$ZodPipe) {
    const { in: input, out } = schema._zod.def;
    // A preprocess is a pipe that starts with its function.
    return input instanceof z.core.$ZodTransform ? out : input;
  }
  const { innerType } = schema._zod.def as { innerType?: Schema };
  return innerType;
}
