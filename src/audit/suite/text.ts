import { stringify } from "yaml";
import { escaped, Supplied } from "./document/index.ts";
import type { LoadedSuite } from "./load.ts";

/**
 * A suite as YAML that says the same without what it extends and without settings.
 * Variables of the environment stand there by name, since their values may be nobody
 * else's business.
 */
export const suiteText = ({ written }: Pick<LoadedSuite, "written">): string =>
  stringify(asWritten(written), {
    lineWidth: 88,
    aliasDuplicateObjects: false,
  });

function asWritten(value: unknown): unknown {
  if (value instanceof Supplied) return value.written;
  if (typeof value === "string") return escaped(value);
  if (Array.isArray(value)) return value.map(asWritten);
  if (typeof value !== "object" || value === null) return value;
  const entries = value instanceof Map ? value : Object.entries(value);
  return new Map(
    Array.from(entries, ([name, one]): [string, unknown] => [
      String(name),
      asWritten(one),
    ]),
  );
}
