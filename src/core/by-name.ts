import { z } from "zod";

/**
 * What a person writes where names from outside lead to something: a map, or
 * in a module a Map.
 */
export type Written<V> = Readonly<Record<string, V>> | ReadonlyMap<string, V>;

/**
 * The schema of a map whose keys are names from outside, such as columns, classes and
 * inputs of a model. It gives a Map in the order in which they were written. An object
 * would move names like "2024" to the front and lose `__proto__`.
 *
 * @param order whether their order matters, so that an object is refused
 *   that has lost it
 */
export function byName<V extends z.ZodType>(
  value: V,
  { order = false }: { readonly order?: boolean } = {},
): z.ZodType<ReadonlyMap<string, z.output<V>>, Written<z.input<V>>> {
  return z.preprocess(
    (written, context) => {
      if (!isPlain(written)) return written;
      const entries = Object.entries(written);
      const moved = entries.find(([name]) => /^(0|[1-9]\d*)$/.test(name));
      if (order && moved && entries.length > 1)
        context.addIssue({
          code: "custom",
          message: `the name "${moved[0]}" has lost its place among the keys of an object; write new Map([["${moved[0]}", ...], ...])`,
        });
      return new Map(entries);
    },
    z.map(z.string(), value),
  ) as never;
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Map);

/**
 * The JSON schema of what a person writes: before defaults, with the short forms, and
 * with maps for names from outside.
 */
export function schemaAsWritten(schema: z.core.$ZodType) {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      if (!(zodSchema instanceof z.core.$ZodMap)) return;
      const { keyType, valueType } = zodSchema._zod.def;
      jsonSchema.type = "object";
      jsonSchema.propertyNames = partAsWritten(keyType);
      jsonSchema.additionalProperties = partAsWritten(valueType);
    },
  });
}

function partAsWritten(schema: z.core.$ZodType) {
  const { $schema: _, ...part } = schemaAsWritten(schema);
  return part;
}
