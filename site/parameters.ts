import { prose, table } from "./markdown.ts";

/** What of a JSON schema a person reads. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
}

/** The parameters of a unit as a table: value, default and meaning of each. */
export function parameters(params: Readonly<Record<string, Schema>>): string {
  const rows = Object.entries(params).map(([name, schema]) => [
    `\`${name}\``,
    prose(inWords(schema)),
    "default" in schema ? `\`${JSON.stringify(schema.default)}\`` : "",
    prose(schema.description ?? ""),
  ]);
  return rows.length === 0
    ? "It has none."
    : table(["name", "value", "default", "what it is"], rows);
}

/** What can be written for a schema, in words. */
function inWords(schema: Schema): string {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(inWords))].join(", or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map(String).join(", ");
  switch (schema.type) {
    case "integer":
      return `whole number${rangeOf(schema)}`;
    case "number":
      return `number${rangeOf(schema)}`;
    case "string":
      return schema.pattern?.includes("\\/")
        ? "a fraction, such as 8/255"
        : "text";
    case "boolean":
      return "true or false";
    case "array":
      return `list of: ${schema.items ? inWords(schema.items) : "anything"}`;
    case "object":
      return schema.properties
        ? `{ ${Object.entries(schema.properties)
            .map(([name, inner]) => `${name}: ${inWords(inner)}`)
            .join("; ")} }`
        : "names with a value each";
    default:
      return schema.type ?? "anything";
  }
}

/** JavaScript's largest whole number is no limit that a person set. */
const LIMITLESS = Number.MAX_SAFE_INTEGER;

function rangeOf(schema: Schema): string {
  const {
    minimum,
    maximum = LIMITLESS,
    exclusiveMinimum,
    exclusiveMaximum,
  } = schema;
  const parts = [
    exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : undefined,
    minimum !== undefined && minimum > -LIMITLESS
      ? `from ${minimum}`
      : undefined,
    exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : undefined,
    maximum < LIMITLESS ? `up to ${maximum}` : undefined,
  ].filter((part) => part !== undefined);
  return parts.length > 0 ? ` ${parts.join(", ")}` : "";
}
