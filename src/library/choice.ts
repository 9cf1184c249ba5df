import { checkArgument } from "#audit";
import { type Chosen, choiceOf, type Unit } from "#core";

/**
 * A unit by its name, as `assay list` shows it, or itself; with parameters as
 * `{ id, ...parameters }`. What is left out is as its paper has it.
 */
export type Choice<U extends Unit = Unit> =
  | string
  | U
  | { readonly id: string | U; readonly [parameter: string]: unknown };

/** A choice with its unit, where that is not named, apart from its parameters. */
export function parted<U extends Unit>(
  written: Choice<U>,
): { readonly id: string | U; readonly params: Record<string, unknown> } {
  if (typeof written === "string" || isUnit<U>(written))
    return { id: written, params: {} };
  const { id, ...params } = written;
  return { id, params };
}

/**
 * The unit that is meant, with its parameters.
 *
 * @param what the argument, in messages
 * @param known those that can be named
 * @throws ARGUMENT_INVALID
 */
export function chosenOf<U extends Unit>(
  written: Choice<U>,
  what: string,
  known: readonly U[],
): Chosen<U> {
  const { id, params } = parted(written);
  return isUnit<U>(id)
    ? { unit: id, params: checkArgument(params, what, id.params) }
    : checkArgument({ id, ...params }, what, choiceOf(known));
}

/** Whether it is a unit rather than a name, or a name with parameters. */
export const isUnit = <U extends Unit>(value: unknown): value is U =>
  typeof (value as Partial<U> | null)?.params?.safeParse === "function";
