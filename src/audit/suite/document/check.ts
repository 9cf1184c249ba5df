import type { z } from "zod";
import { UsageError } from "#core";
import type { Layer } from "./layer.ts";
import { over } from "./merge.ts";
import { lostNames, typedAs, withObjects } from "./names.ts";
import { formatPath, type Problem, problemsOf } from "./problems.ts";
import { firstOf, refused } from "./refused.ts";
import { schemasAt, valueAt } from "./schema-walk.ts";
import { type Setting, withSetting } from "./settings.ts";

/**
 * What documents say together, of which each is put over those before it, and settings
 * over all.
 *
 * @throws SETTING for a setting whose path leads nowhere
 */
export const together = (
  layers: readonly Pick<Layer, "value">[],
  settings: readonly Setting[],
  schema: z.ZodType,
): unknown =>
  settings.reduce(
    (whole, setting) => withSetting(whole, setting, [schema]),
    layers
      .map(({ value }) => value)
      .reduce((below, above) => over(below, above, [schema])),
  );

/**
 * Checks by a schema what documents and settings say together.
 *
 * @throws SUITE_INVALID, whose message names the place, the key path, what was found
 *   and what was expected of up to five problems, one a line; SETTING
 */
export function checkLayers<T>(
  layers: readonly Layer[],
  schema: z.ZodType<T>,
  settings: readonly Setting[] = [],
): T {
  const document = together(layers, settings, schema);
  const value = withObjects(document, schema, typedAs(schema, document));
  const result = checked(value, schema, () =>
    // What came from the environment is not shown.
    withObjects(document, schema, (supplied) => supplied),
  );
  if (result.data !== undefined) return result.data;
  const located = result.problems
    .map((problem) => {
      const from = originOf(problem, layers, settings);
      const text = `${from.place}: ${formatPath(problem.path)}: ${problem.message}`;
      return { ...from, text };
    })
    .sort((a, b) => a.rank - b.rank || a.offset - b.offset);
  throw refused(
    located.map(({ file }) => file),
    located.map(({ text }) => text),
  );
}

/**
 * Where a problem comes from: the last setting that says something there, or else the
 * document that goes farthest along its path, of equals the last.
 */
function originOf(
  problem: Problem,
  layers: readonly Layer[],
  settings: readonly Setting[],
) {
  const path = problem.path.map(String);
  const setting = settings.findLast((one) =>
    one.path.every((key, i) => key === path[i]),
  );
  if (setting) {
    const place = `--set ${setting.written}`;
    return { file: place, place, rank: layers.length, offset: 0 };
  }
  const depths = layers.map(({ value }) => depthOf(value, problem.path));
  const rank = depths.lastIndexOf(Math.max(...depths));
  const layer = layers[rank]!;
  const offset = layer.offsetOf(problem);
  return { file: layer.file, place: layer.placeAt(offset), rank, offset };
}

/** How many steps of a path there are in a value. */
function depthOf(value: unknown, path: readonly PropertyKey[]): number {
  let here = value;
  for (const [depth, key] of path.entries()) {
    here = valueAt(here, [key]);
    if (here === undefined) return depth;
  }
  return path.length;
}

/**
 * Checks a value that is there by a schema. Throws SUITE_INVALID, which names the keys.
 */
export function checkValue<T>(
  value: unknown,
  file: string,
  schema: z.ZodType<T>,
): T {
  const result = checked(value, schema);
  if (result.data !== undefined) return result.data;
  throw refused(
    [file],
    result.problems.map(
      ({ path, message }) => `${file}: ${formatPath(path)}: ${message}`,
    ),
  );
}

/**
 * Checks what a function of the library was given by a schema. Throws ARGUMENT_INVALID,
 * which names the keys.
 *
 * @param what the argument, in the message
 */
export function checkArgument<T>(
  value: unknown,
  what: string,
  schema: z.ZodType<T>,
): T {
  const result = checked(value, schema);
  if (result.data !== undefined) return result.data;
  throw new UsageError(
    "ARGUMENT_INVALID",
    firstOf(
      result.problems.map(({ path, message }) =>
        [what, ...(path.length > 0 ? [formatPath(path)] : []), message].join(
          ": ",
        ),
      ),
    ),
    `Correct ${what}.`,
  );
}

/** @param shown the value as messages show it, when there are any */
function checked<T>(
  value: unknown,
  schema: z.ZodType<T>,
  shown: () => unknown = () => value,
): { data?: T; problems: readonly Problem[] } {
  const result = schema.safeParse(value);
  if (!result.success)
    return { problems: problemsOf(result.error.issues, schema, shown()) };
  // A schema of a few keys says nothing of what is below the others.
  const lost = lostNames(value).filter(
    ({ path }) => schemasAt(schema, path.slice(0, 1), value).length > 0,
  );
  return { data: lost.length === 0 ? result.data : undefined, problems: lost };
}
